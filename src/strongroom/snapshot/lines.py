"""What the process that reads the store of another cluster tells, one JSON object a line.

It knows keys and ciphers and speaks with no API server; the command line, which starts it, has it
the other way about. Between them is a pipe, so that what is decrypted never reaches a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

IN_THE_CLEAR = "identity"
"""The scheme of what is not encrypted."""


class CannotRead(Exception):
    """The store cannot be read; the text is told to people."""

    holds_no_payload: ClassVar = True


class Stored(msgspec.Struct, frozen=True, tag="Stored", tag_field="kind", omit_defaults=True):
    """An object. ``section`` is the part of its key that tells its resource; ``rest`` follows it.

    ``name`` is that of the key, or of the KMS provider, which calls its key ``key_id``. ``value``
    is there when values were asked for, unless there is a ``problem``.
    """

    section: str
    rest: str
    scheme: str
    name: str = ""
    key_id: str = ""
    value: bytes | None = None
    problem: str = ""

    def __repr__(self) -> str:
        return f"<Stored {self.section}/{self.rest}>"


class Past(msgspec.Struct, frozen=True, tag="Past", tag_field="kind", omit_defaults=True):
    """How many versions of objects of a resource, former ones included, are stored in a way."""

    section: str
    scheme: str
    name: str
    key_id: str
    count: int


class Failed(msgspec.Struct, frozen=True, tag="Failed", tag_field="kind"):
    """It cannot go on."""

    why: str


class End(msgspec.Struct, frozen=True, tag="End", tag_field="kind"):
    """Everything was told, as of this revision: so many objects, of ``below`` keys in all that
    begin with the prefix."""

    revision: int
    objects: int
    below: int


Line = Stored | Past | Failed | End

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def encode(line: Line) -> bytes:
    """The line with its end."""
    return _encoder.encode(line) + b"\n"


def decode(lines: Iterable[bytes]) -> Iterator[Stored | Past | End]:
    """The lines up to the last one, which is an End. Raises CannotRead."""
    line: Line | None = None
    for each in lines:
        try:
            line = _decoder.decode(each)
        except msgspec.DecodeError:
            raise CannotRead("what reads the store said something else") from None
        if isinstance(line, Failed):
            raise CannotRead(line.why)
        yield line
    if not isinstance(line, End):
        raise CannotRead("what reads the store ended early")
