"""The process that test_crash kills: writes through the whole storage stack and tells of it.

Run as a module it is a server of children: for each line `COMPACT_TO` on standard input it forks
a child that opens the store and writes until it is killed, prints the child's process id, and
prints `dead` when it is. Forking a process that has imported everything takes milliseconds.

What is written beside a key has the same text as the key, and goes with it.

A child writes one JSON line to the pipe for each acknowledged write (`ack`) and for each event
that its watcher saw (`saw`), after the fact.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
from pathlib import Path

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.port import EventType, Store
from strongroom.storage.sqlite import SQLiteStore
from tests.storage.drivers import local_kms

WRITERS = 8
KEYS_EACH = 4
PREFIX = "/registry/secrets/"
MARK = b"canary-5f1d"


def value_of(key: str, text: str) -> bytes:
    """A value that proves itself whole: it ends with a digest of its key and its beginning."""
    body = MARK + text.encode() * 40
    return body + hashlib.sha256(key.encode() + body).digest()


def beside_of(key: str) -> str:
    """The key that is written together with a key."""
    return f"{PREFIX}beside/{key.removeprefix(PREFIX)}"


def text_of(value: bytes) -> bytes:
    """What values have in common that were made of one text."""
    return value[:-32]


def is_whole(key: str, value: bytes) -> bool:
    """Whether a value is one that `value_of` made for the key, all of it."""
    return hashlib.sha256(key.encode() + text_of(value)).digest() == value[-32:]


def open_store(directory: Path) -> EncryptedStore:
    """The storage stack as the server builds it."""
    return EncryptedStore(SQLiteStore.open(directory / "store.db"), local_kms())


def tell(pipe: int, what: str, kind: EventType, key: str, revision: int, value: bytes) -> None:
    """One line, in one write: it arrives whole or not at all."""
    digest = hashlib.sha256(value).hexdigest()
    os.write(pipe, json.dumps([what, kind.value, key, revision, digest]).encode() + b"\n")


async def write_forever(store: Store, pipe: int, writer: int) -> None:
    """Create, update and delete this writer's own keys, each after the last was acknowledged."""
    keys = [f"{PREFIX}{writer}/{number}" for number in range(KEYS_EACH)]
    held = {kv.key: kv.mod_revision for kv in (await store.list(f"{PREFIX}{writer}/")).items}
    while True:
        key = random.choice(keys)
        text, other = os.urandom(4).hex(), beside_of(key)
        value = value_of(key, text)
        if key not in held:
            held[key] = await store.create(key, value)
            tell(pipe, "ack", EventType.PUT, key, held[key], value)
        elif random.random() < 0.2:
            revision = await store.delete(key, expected=held.pop(key), beside=[(other, None)])
            tell(pipe, "ack", EventType.DELETE, key, revision, b"")
        else:
            beside = [(other, value_of(other, text))]
            held[key] = await store.update(key, value, expected=held[key], beside=beside)
            tell(pipe, "ack", EventType.PUT, key, held[key], value)


async def watch_forever(store: Store, pipe: int) -> None:
    """Tell of every event from the start of this child on."""
    async for batch in store.watch(PREFIX, after=store.current_revision):
        for event in batch:
            value = event.value if event.type is EventType.PUT else b""
            tell(pipe, "saw", event.type, event.key, event.revision, value)


async def child(directory: Path, pipe: int, compact_to: int) -> None:
    """What is killed."""
    store = open_store(directory)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_forever(store, pipe))
        for writer in range(WRITERS):
            tasks.create_task(write_forever(store, pipe, writer))
        tasks.create_task(store.compact(compact_to))


def main() -> None:
    """Serve children: arguments are the directory and the pipe's descriptor."""
    directory, pipe = Path(sys.argv[1]), int(sys.argv[2])
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            asyncio.run(child(directory, pipe, int(line)))
        os.write(1, b"%d\n" % process)
        os.waitpid(process, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
