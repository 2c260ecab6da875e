"""What etcd keeps in a file of bbolt: every revision of every key, and up to where they are gone.

Bucket ``key``: the revision (main u64, "_", sub u64, big-endian, and "t" for a deletion) → an
``mvccpb.KeyValue``. Revisions are in order, so the last one of a key is what it is now.
(go.etcd.io/etcd, ``server/storage/mvcc``; ``api/mvccpb/kv.proto``)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.snapshot.bolt import BoltFile, Place
from strongroom.snapshot.errors import BadSnapshot

_KEYS = b"key"
_REVISION, _DELETED = 17, 18
_MARK, _BETWEEN = b"t", b"_"
_KEY, _VALUE = 1, 5
_FIRST = _KEY << 3 | 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


@dataclass(frozen=True, slots=True)
class Version:
    """A key as it was written at a revision; its value is in ``record``, which is None for a
    deletion."""

    key: bytes
    revision: int
    record: Place | None


class Keys:
    """The keys of a file that begin with a prefix. Raises BadSnapshot."""

    def __init__(self, data: memoryview, prefix: bytes = b"") -> None:
        self._data, self._prefix = data, prefix
        self._file = BoltFile(data)
        bucket = self._file.bucket(_KEYS)
        if bucket is None:
            raise BadSnapshot("it is a file of bbolt, but not of etcd")
        self._bucket = bucket
        self.revision = 0
        """The last revision that was come upon."""

    def versions(self) -> Iterator[Version]:
        """All that is kept, in the order of the revisions. Raises BadSnapshot."""
        before, prefix = b"", self._prefix
        for at, record, flags in self._file.items(self._bucket):
            revision = self._file.bytes_at(at)
            if flags or not _is_revision(revision):
                raise BadSnapshot("a revision is no such")
            main = int.from_bytes(revision[:8], "big")
            # Big-endian numbers are in the order of their bytes.
            if revision[:_REVISION] <= before:
                raise BadSnapshot(f"revision {main} is out of order")
            before, self.revision = revision[:_REVISION], main
            key = self._key(record)
            if key.startswith(prefix):
                yield Version(key, main, None if len(revision) == _DELETED else record)

    def now(self) -> dict[bytes, Place]:
        """The record of each key, in the order of the keys. Raises BadSnapshot.

        Only keys and places are held in memory.
        """
        places: dict[bytes, Place] = {}
        for version in self.versions():
            if version.record is None:
                places.pop(version.key, None)
            else:
                places[version.key] = version.record
        return {key: places[key] for key in sorted(places)}

    def value(self, record: Place) -> bytes:
        """The value in a record that a Version has. Raises BadSnapshot."""
        found = (record[0], 0)
        for number, at in self._fields(record):
            if number == _VALUE:
                found = at
        return self._file.bytes_at(found)

    def _key(self, record: Place) -> bytes:
        start, size = record
        # etcd writes it first, and nearly all are shorter than 128 bytes.
        if size > 2 and self._data[start] == _FIRST and self._data[start + 1] <= min(127, size - 2):
            return bytes(self._data[start + 2 : start + 2 + self._data[start + 1]])
        for number, at in self._fields(record):
            if number == _KEY:
                return self._file.bytes_at(at)
        return b""

    def _fields(self, record: Place) -> Iterator[tuple[int, Place]]:
        """The fields of a record that are bytes. Raises BadSnapshot."""
        at, end = record[0], record[0] + record[1]
        while at < end:
            tag, at = self._varint(at, end)
            kind = tag & 7
            size = _SIZES.get(kind, 0)
            if kind == _BYTES:
                size, at = self._varint(at, end)
            elif kind == _VARINT:
                _, at = self._varint(at, end)
            elif not size:
                raise BadSnapshot("a record has a field of an unknown form")
            if at + size > end:
                raise BadSnapshot("a record is cut short")
            if kind == _BYTES:
                yield tag >> 3, (at, size)
            at += size

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        found = 0
        for shift in range(0, 70, 7):
            if at >= end:
                break
            byte = self._data[at]
            at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found, at
        raise BadSnapshot("a record is cut short")


def _is_revision(key: bytes) -> bool:
    return key[8:9] == _BETWEEN and (
        len(key) == _REVISION or (len(key) == _DELETED and key.endswith(_MARK))
    )
