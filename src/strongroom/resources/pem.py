"""PEM: named blocks of bytes in a text, found as Go's ``encoding/pem`` finds them.

What stands around blocks is passed over, and so is a block that is broken.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLOCK = re.compile(
    rb"(?:^|\n)-----BEGIN ([^\n-][^\n]*?)-----[ \t\r]*\n(.*?)\n?-----END \1-----[ \t\r]*(?=\n|$)",
    re.DOTALL,
)
CERTIFICATE = "CERTIFICATE"
CERTIFICATE_REQUEST = "CERTIFICATE REQUEST"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its type (``CERTIFICATE``), whether headers precede its content, the content."""

    type: str
    headers: bool
    content: bytes = field(repr=False)


def blocks(text: bytes) -> Iterator[Block]:
    """The blocks of a text in their order."""
    at = 0
    while found := _BLOCK.search(text, at):
        at = found.end()
        headers, body = _split(found[2])
        try:
            content = base64.b64decode(b"".join(body.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        yield Block(found[1].decode("latin-1"), headers, content)


def first(text: bytes) -> Block | None:
    """The first block, if there is any."""
    return next(blocks(text), None)


def armored(type_: str, content: bytes) -> bytes:
    """A block as text, in lines of 64 characters."""
    encoded = base64.b64encode(content)
    lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
    mark = type_.encode()
    return b"\n".join(
        [b"-----BEGIN " + mark + b"-----", *lines, b"-----END " + mark + b"-----", b""]
    )


def _split(body: bytes) -> tuple[bool, bytes]:
    """Whether there are headers (``Name: value`` lines), and what comes after them."""
    lines = body.split(b"\n")
    count = 0
    while count < len(lines) and b":" in lines[count]:
        count += 1
    return count > 0, b"\n".join(lines[count:])
