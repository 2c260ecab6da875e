"""PEM: named blocks of bytes in a text, found as Go's ``encoding/pem`` finds them.

What stands around blocks is passed over, and so is a block that is broken.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARK = re.compile(rb"-----(BEGIN|END) ([^\n]*)-----")
CERTIFICATE = "CERTIFICATE"
CERTIFICATE_REQUEST = "CERTIFICATE REQUEST"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its type (``CERTIFICATE``), whether headers precede its content, the content."""

    type: str
    headers: bool
    content: bytes = field(repr=False)


def blocks(text: bytes) -> Iterator[Block]:
    """The blocks of a text in their order, found in one walk over its lines: it may be anything."""
    begun: bytes | None = None
    body: list[bytes] = []
    for line in text.split(b"\n"):
        mark = _MARK.fullmatch(line.rstrip())
        if mark is None:
            body.append(line)
        elif mark[1] == b"BEGIN":
            begun, body = mark[2], []
        else:
            block = _block(mark[2], body) if mark[2] == begun else None
            begun, body = None, []
            if block is not None:
                yield block


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


def _block(type_: bytes, lines: list[bytes]) -> Block | None:
    """A block of these lines, of which the first may be headers (``Name: value``)."""
    count = next((i for i, line in enumerate(lines) if b":" not in line), len(lines))
    try:
        content = base64.b64decode(b"".join(b"".join(lines[count:]).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Block(type_.decode("latin-1"), count > 0, content)
