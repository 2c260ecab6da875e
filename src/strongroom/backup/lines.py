"""What a backup says, one JSON object a line: a head, every key of the store, an end.

All keys are as of one revision. The end counts them: without it, something is missing. Values are
in plain here; they leave the server in TLS, and reach a disk in an age file only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

FORMAT = 1

PATH = "/strongroom/v1alpha1/backup"
"""Where a server gives the lines."""


class BadBackup(Exception):
    """Lines that are no whole backup. The text tells no value."""


class Head(msgspec.Struct, frozen=True, tag="Backup", tag_field="kind"):
    """The beginning: what was backed up, when, and by which version of strongroom."""

    format: int
    revision: int
    time: str
    version: str


class Record(msgspec.Struct, frozen=True, tag="Record", tag_field="kind"):
    """One key: created and last written at these revisions."""

    key: str
    value: bytes
    created: int
    revision: int

    def __repr__(self) -> str:
        return f"<Record {self.key}>"


class Unreadable(msgspec.Struct, frozen=True, tag="Unreadable", tag_field="kind"):
    """A key whose value the server cannot decrypt, and why."""

    key: str
    why: str


class Failed(msgspec.Struct, frozen=True, tag="Failed", tag_field="kind"):
    """The server could not go on."""

    why: str


class End(msgspec.Struct, frozen=True, tag="End", tag_field="kind"):
    """The end, with the number of records before it."""

    records: int


Line = Head | Record | Unreadable | Failed | End

_decoder = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()


def encode(line: Line) -> bytes:
    """A line, with its end."""
    return _encoder.encode(line) + b"\n"


class Check:
    """Follows the lines of a backup from its head to its end."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.kinds: Counter[str] = Counter()
        self.unreadable: list[Unreadable] = []
        self.records = 0
        self.ended = False
        self._last = ""

    def take(self, text: bytes) -> Line:
        """Look at the next line. Raises BadBackup."""
        try:
            line: Line = _decoder.decode(text)
        except msgspec.MsgspecError:
            raise BadBackup("a line of the backup is not understood") from None
        if self.ended:
            raise BadBackup("the backup goes on behind its end")
        if isinstance(line, Head) != (self.head is None):
            raise BadBackup("the backup does not begin with its head")
        match line:
            case Head():
                self._begin(line)
            case Record():
                self._count(line)
            case Unreadable():
                self.unreadable.append(line)
            case Failed(why):
                raise BadBackup(f"the server could not go on: {why}")
            case End(records):
                if records != self.records:
                    raise BadBackup(f"{self.records} of the backup's {records} records are here")
                self.ended = True
        return line

    def finish(self) -> Head:
        """Raises BadBackup unless all of it was there."""
        if self.head is None or not self.ended:
            raise BadBackup("the backup is not whole: its end is missing")
        return self.head

    def _begin(self, head: Head) -> None:
        if head.format != FORMAT:
            raise BadBackup(f"the backup has format {head.format}; this program knows {FORMAT}")
        self.head = head

    def _count(self, record: Record) -> None:
        if record.key <= self._last:
            raise BadBackup("the backup's records are not in the order of their keys")
        if (
            self.head is not None
            and not 0 < record.created <= record.revision <= self.head.revision
        ):
            raise BadBackup(f"the backup's record of {record.key!r} is of no revision of it")
        self._last = record.key
        self.records += 1
        self.kinds[section(record.key)] += 1


def section(key: str) -> str:
    """What kind of thing a key is of: ``secrets``; ``strongroom`` for our own records."""
    parts = key.split("/")
    return parts[2] if key.startswith("/registry/") and len(parts) > 2 else "strongroom"


class Splitter:
    """Makes lines of pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, piece: bytes) -> list[bytes]:
        """The lines that are whole with this piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return lines

    @property
    def empty(self) -> bool:
        """Whether nothing is left over."""
        return not self._rest


def records(pieces: Iterable[bytes], check: Check) -> Iterator[Record]:
    """All records of a whole backup. Raises BadBackup, maybe after the last record."""
    splitter = Splitter()
    for piece in pieces:
        for text in splitter.take(piece):
            line = check.take(text)
            if isinstance(line, Record):
                yield line
    if not splitter.empty:
        raise BadBackup("the backup goes on behind its end")
    check.finish()
