"""The messages of etcd's v3 API that its driver needs, as bytes.

Field numbers: ``etcd/api/etcdserverpb/rpc.proto`` and ``etcd/api/mvccpb/kv.proto``. Keys of others
that are no UTF-8 are carried through as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.wire import Fields, field, number_field
from strongroom.storage.port import Event, Events, EventType, KeyValue

RANGE = "/etcdserverpb.KV/Range"
TXN = "/etcdserverpb.KV/Txn"
COMPACT = "/etcdserverpb.KV/Compact"
WATCH = "/etcdserverpb.Watch/Watch"

# As a key and its end together: every key there is.
ALL = b"\0"

_EQUAL, _GREATER = 0, 1
_CREATE, _MOD = 1, 2
# The field that holds the number is not the one that names its kind.
_COMPARED = {_CREATE: 5, _MOD: 6}
_DELETED = 1


@dataclass(frozen=True, slots=True)
class Ranged:
    """A part of the keys of a range that has `count` of them; the store is at `revision`."""

    items: list[KeyValue]
    revision: int
    count: int


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a transaction; `current` is what it read when its condition failed."""

    succeeded: bool
    revision: int
    current: KeyValue | None


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a watch. A `part` is followed by more of the same revision."""

    created: bool
    canceled: bool
    compacted: int
    reason: str
    part: bool
    revision: int
    events: Events


def key_bytes(key: str) -> bytes:
    """A key as etcd stores it. Raises UnicodeEncodeError for what is no text."""
    return key.encode()


def range_end(prefix: bytes) -> bytes:
    """The end of the range of all keys with a prefix."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else ALL


def range_request(key: bytes, end: bytes = b"", *, limit: int = 0, revision: int = 0) -> bytes:
    """Keys from one on, up to an end, as a consistent read; without an end the key alone."""
    return _range(key, end) + number_field(3, limit) + number_field(4, revision)


def count_request(key: bytes, end: bytes = b"") -> bytes:
    """How many keys there are, and the revision."""
    return _range(key, end) + number_field(9, 1)


def _range(key: bytes, end: bytes) -> bytes:
    # To etcd an end that is there and empty is not the same as none: it is no end at all.
    return field(1, key) + (field(2, end) if end else b"")


def read_range(message: bytes) -> Ranged:
    """Raises WireError."""
    return _ranged(wire.read(message))


def _ranged(fields: Fields) -> Ranged:
    return Ranged([*map(_key_value, fields.messages(2))], _revision(fields), fields.number(4))


def put(key: bytes, value: bytes, lease: int = 0) -> bytes:
    """A step of a transaction that writes a key, which goes with a lease (0: never)."""
    under = number_field(3, lease) if lease else b""
    return field(2, field(1, key) + field(2, value) + under)


def delete(key: bytes) -> bytes:
    """A step of a transaction that removes a key, if it exists."""
    return field(3, field(1, key))


def at_revision(key: bytes, revision: int) -> list[bytes]:
    """Conditions that a key exists and was written at a revision."""
    return [_compare(key, _MOD, _EQUAL, revision), _compare(key, _CREATE, _GREATER, 0)]


def absent(key: bytes) -> list[bytes]:
    """The condition that a key does not exist."""
    return [_compare(key, _CREATE, _EQUAL, 0)]


def _compare(key: bytes, target: int, result: int, revision: int) -> bytes:
    return (
        number_field(1, result)
        + number_field(2, target)
        + field(3, key)
        + number_field(_COMPARED[target], revision)
    )


def transaction(conditions: Sequence[bytes], steps: Sequence[bytes], key: bytes) -> bytes:
    """Steps that happen together where all conditions hold; otherwise a key is read."""
    read = field(1, range_request(key))
    return (
        b"".join(field(1, condition) for condition in conditions)
        + b"".join(field(2, step) for step in steps)
        + field(3, read)
    )


def read_transaction(message: bytes) -> Done:
    """Raises WireError."""
    fields = wire.read(message)
    succeeded, current = bool(fields.number(2)), None
    if not succeeded:
        found = [kv for step in fields.messages(3) for kv in _ranged(step.messages(1)[0]).items]
        current = found[0] if found else None
    return Done(succeeded, _revision(fields), current)


def compaction(revision: int, *, physical: bool = False) -> bytes:
    """Forget what only revisions before this one need; ``physical``: answer when that is done."""
    return number_field(1, revision) + number_field(2, physical)


def watch_request(start: int) -> bytes:
    """Every event of every key from a revision on, with what it replaced.

    Large answers come in parts, and while nothing happens etcd says now and then how far it is.
    """
    flags = b"".join(number_field(number, 1) for number in (4, 6, 8))
    return field(1, field(1, ALL) + field(2, ALL) + number_field(3, start) + flags)


def read_watch(message: bytes) -> Told:
    """Raises WireError."""
    fields = wire.read(message)
    return Told(
        created=bool(fields.number(3)),
        canceled=bool(fields.number(4)),
        compacted=fields.number(5),
        reason=fields.text(6),
        part=bool(fields.number(7)),
        revision=_revision(fields),
        events=[*map(_event, fields.messages(11))],
    )


def _revision(fields: Fields) -> int:
    return wire.read(fields.data(1)).number(3)


def _key_value(fields: Fields) -> KeyValue:
    key = fields.data(1).decode(errors="surrogateescape")
    return KeyValue(key, fields.data(5), fields.number(2), fields.number(3))


def _event(fields: Fields) -> Event:
    kv = _key_value(wire.read(fields.data(2)))
    before = [_key_value(found) for found in fields.messages(3)]
    previous = before[0] if before else None
    if fields.number(1) != _DELETED:
        return Event(EventType.PUT, kv.key, kv.value, previous, kv.create_revision, kv.mod_revision)
    value, created = (previous.value, previous.create_revision) if previous else (b"", 0)
    return Event(EventType.DELETE, kv.key, value, previous, created, kv.mod_revision)
