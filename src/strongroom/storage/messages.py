"""What a remote store and the process that has the store say to each other, as MessagePack arrays.

Requests carry a number that their answer repeats. The stream of events, compactions and the
greeting carry none: the one who has the store sends them, in the order of revisions.
"""

from __future__ import annotations

import msgspec

from strongroom.storage.errors import (
    Compacted,
    FutureRevision,
    KeyExists,
    NoSpace,
    RevisionConflict,
    StoreClosed,
    StoreError,
    StoreUnavailable,
    TooLarge,
)
from strongroom.storage.port import Event, EventType, KeyValue


class Message(msgspec.Struct, array_like=True):
    """Base of all messages; no repr shows values, which are ciphertext at most."""

    def __repr__(self) -> str:
        return type(self).__name__


class Item(Message):
    """A KeyValue."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int


class Happening(Message):
    """An Event. A deletion's value is that of ``previous`` and is not sent twice."""

    deleted: bool
    key: str
    value: bytes
    previous: Item | None
    create_revision: int
    revision: int


class Request(Message):
    """Base of what a client asks for."""

    number: int


class Get(Request, tag=1):
    """One key."""

    key: str
    revision: int


class List(Request, tag=2):
    """Keys of a prefix."""

    prefix: str
    limit: int
    start: str
    revision: int


class Create(Request, tag=3):
    """A key that must not exist."""

    key: str
    value: bytes
    beside: list[tuple[str, bytes | None]]


class Update(Request, tag=4):
    """A new value for a key."""

    key: str
    value: bytes
    expected: int
    beside: list[tuple[str, bytes | None]]


class Delete(Request, tag=5):
    """A key that is to go."""

    key: str
    expected: int
    beside: list[tuple[str, bytes | None]]


class Compact(Request, tag=6):
    """History that is to go."""

    revision: int


class History(Request, tag=7):
    """Events of the past."""

    prefix: str
    after: int
    upto: int


class Ping(Request, tag=8):
    """Asks whether the other end is alive, and the store open."""


class Wipe(Request, tag=9):
    """What was compacted is to be taken out of the files too."""


class Done(Message, tag=11):
    """The revision of a write that is committed; of a ping, the current one."""

    number: int
    revision: int


class Found(Message, tag=12):
    """One key, or that there is none."""

    number: int
    item: Item | None


class Listed(Message, tag=13):
    """A Page."""

    number: int
    items: list[Item]
    revision: int
    more: bool
    remaining: int


class Past(Message, tag=14):
    """A part of history, read up to a revision."""

    number: int
    events: list[Happening]
    upto: int


class Failed(Message, tag=15):
    """A StoreError, by its kind."""

    number: int
    kind: str
    text: str
    numbers: tuple[int, int]
    current: Item | None


class Sizes(Message, tag=16):
    """The files that were wiped: where, bytes before, bytes after."""

    number: int
    files: list[tuple[str, int, int]]


class Greeting(Message, tag=21):
    """The first message to a client: every event after ``revision`` will follow.

    ``alone``: nobody writes past the process that sends it.
    """

    revision: int
    compacted: int
    alone: bool


class Happened(Message, tag=22):
    """Events, which continue those sent before without a gap."""

    events: list[Happening]


class Forgotten(Message, tag=23):
    """History up to this revision is gone."""

    revision: int


Requests = Get | List | Create | Update | Delete | Compact | History | Ping | Wipe
Answers = Done | Found | Listed | Past | Failed | Sizes
Messages = Done | Found | Listed | Past | Failed | Sizes | Greeting | Happened | Forgotten

encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Requests).decode
decode_message = msgspec.msgpack.Decoder(Messages).decode


def item_of(kv: KeyValue) -> Item:
    """A version of a key as a message."""
    return Item(kv.key, kv.value, kv.create_revision, kv.mod_revision)


def key_value(item: Item) -> KeyValue:
    """A version of a key from a message."""
    return KeyValue(item.key, item.value, item.create_revision, item.mod_revision)


def happening_of(event: Event) -> Happening:
    """An event as a message."""
    deleted = event.type is EventType.DELETE
    previous = None if event.previous is None else item_of(event.previous)
    value = b"" if deleted else event.value
    return Happening(deleted, event.key, value, previous, event.create_revision, event.revision)


def event_of(told: Happening) -> Event:
    """An event from a message."""
    previous = None if told.previous is None else key_value(told.previous)
    kind, value = EventType.PUT, told.value
    if told.deleted:
        kind, value = EventType.DELETE, previous.value if previous is not None else b""
    return Event(kind, told.key, value, previous, told.create_revision, told.revision)


def failure_of(number: int, error: StoreError) -> Failed:
    """An error as a message. Kinds that no driver raises pass as StoreUnavailable."""
    text, numbers, current = str(error), (0, 0), None
    if isinstance(error, KeyExists):
        kind, text = "KeyExists", error.key
    elif isinstance(error, RevisionConflict):
        kind, text = "RevisionConflict", error.key
        current = None if error.current is None else item_of(error.current)
    elif isinstance(error, TooLarge):
        kind, text = "TooLarge", f"{error.key}\n{error.limit}"
    elif isinstance(error, Compacted):
        kind, numbers = "Compacted", (error.requested, error.compacted)
    elif isinstance(error, FutureRevision):
        kind, numbers = "FutureRevision", (error.requested, error.current)
    else:
        passed = (one for one in (StoreClosed, NoSpace) if isinstance(error, one))
        kind = next(passed, StoreUnavailable).__name__
    return Failed(number, kind, text, numbers, current)


def error_of(told: Failed) -> StoreError:
    """The error that a message tells of."""
    match told.kind:
        case "KeyExists":
            return KeyExists(told.text)
        case "RevisionConflict":
            current = None if told.current is None else key_value(told.current)
            return RevisionConflict(told.text, current)
        case "TooLarge":
            return TooLarge(*told.text.rsplit("\n", 1))
        case "Compacted":
            return Compacted(*told.numbers)
        case "FutureRevision":
            return FutureRevision(*told.numbers)
        case "StoreClosed":
            return StoreClosed(told.text)
        case "NoSpace":
            return NoSpace(told.text)
    return StoreUnavailable(told.text)
