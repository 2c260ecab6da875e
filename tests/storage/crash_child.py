"""The process that test_crash kills: writes through the whole storage stack and tells of it.

Run as a module it is a server of children: for each line `COMPACT_TO` on standard input it forks
a child that opens the store and writes until it is killed, prints the child's process id, and
prints `dead` when it is. Forking a process that has imported everything takes milliseconds.

What is written beside a key has the same text as the key, and goes with it.

A child writes a JSON line to the pipe before each write and after its acknowledgement
(`tests.faults.told`), and one for each event that its watcher saw.
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
from strongroom.storage.port import Event, EventType, Store
from strongroom.storage.sqlite import SQLiteStore
from tests.faults.history import Change, History, Kind, Write, now
from tests.faults.told import Telling
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


def change_of(event: Event) -> Change:
    """An event as histories have it: a digest instead of the value."""
    value = digest(event.value) if event.type is EventType.PUT else None
    return Change(event.revision, event.key, value)


def digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


async def write_forever(store: Store, history: History, writer: int) -> None:
    """Create, update and delete this writer's own keys, each after the last was acknowledged."""
    keys = [f"{PREFIX}{writer}/{number}" for number in range(KEYS_EACH)]
    held = {kv.key: kv.mod_revision for kv in (await store.list(f"{PREFIX}{writer}/")).items}
    while True:
        key = random.choice(keys)
        text, other = os.urandom(4).hex(), beside_of(key)
        value, expected = value_of(key, text), held.pop(key, 0)
        kind = Kind.UPDATE if expected else Kind.CREATE
        if expected and random.random() < 0.2:
            kind, value = Kind.DELETE, b""
        told = digest(value) if value else ""
        write = Write(f"w{writer}", kind, key, told, expected, now())
        history.begun(write)
        if kind is Kind.CREATE:
            revision = held[key] = await store.create(key, value)
        elif kind is Kind.DELETE:
            revision = await store.delete(key, expected=expected, beside=[(other, None)])
        else:
            beside = [(other, value_of(other, text))]
            revision = await store.update(key, value, expected=expected, beside=beside)
            held[key] = revision
        write.done(revision, now())
        history.ended(write)


async def watch_forever(store: Store, pipe: int) -> None:
    """Tell of every event from the start of this child on."""
    async for batch in store.watch(PREFIX, after=store.current_revision):
        for event in batch:
            seen = change_of(event)
            line = json.dumps([seen.revision, seen.key, seen.value, "seen"])
            os.write(pipe, line.encode() + b"\n")


async def child(directory: Path, pipe: int, compact_to: int) -> None:
    """What is killed."""
    store, history = open_store(directory), Telling(pipe, os.urandom(8).hex())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_forever(store, pipe))
        for writer in range(WRITERS):
            tasks.create_task(write_forever(store, history, writer))
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
