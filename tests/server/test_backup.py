"""A backup of a store that is written to, and stores made from it."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from strongroom.api.clock import SystemClock
from strongroom.backup.age import Sealer, lock
from strongroom.backup.lines import PATH, Check, End, Head, Record, encode, records
from strongroom.server.backup import Backups
from strongroom.server.encryption.file_source import FileSource
from strongroom.server.encryption.options import EncryptionOptions
from strongroom.server.reply import StreamReply
from strongroom.server.request import Request
from strongroom.server.restore import MARK, main
from strongroom.server.storage import load_encrypting
from strongroom.server.urls import parse_target
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.memory import MemoryStore
from strongroom.storage.places import AUTHORITIES
from strongroom.storage.port import KeyValue
from strongroom.storage.sqlite import SQLiteStore
from strongroom.storage.sqlite_restore import GAP
from tests.server.conftest import running
from tests.server.encryption.test_unreadable import ONE, SECRETS, TWO, configure
from tests.storage.drivers import local_kms

MANY = 10_000


async def fill(store: EncryptedStore, objects: int) -> None:
    """Objects of several kinds, of which some were changed and some deleted."""

    async def make(number: int) -> None:
        kind = ("secrets", "configmaps", "pods")[number % 3]
        key = f"/registry/{kind}/ns-{number % 7}/name-{number}"
        made = await store.create(key, secrets.token_bytes(20 + number % 300))
        if number % 10 == 0:
            made = await store.update(key, b"", expected=made)

    for start in range(0, objects, 500):
        await asyncio.gather(*map(make, range(start, min(start + 500, objects))))
    gone = await store.create("/registry/secrets/ns-0/gone", b"gone")
    await store.delete("/registry/secrets/ns-0/gone", expected=gone)


async def lines_of(store: EncryptedStore) -> AsyncIterator[bytes]:
    request = Request("GET", PATH.encode(), b"", {})
    target = parse_target("GET", PATH.encode(), b"")
    reply = await Backups(store, SystemClock()).serve(request, target)
    assert isinstance(reply, StreamReply)
    return reply.chunks


async def wait_for_revision(store: EncryptedStore, revision: int) -> None:
    watch = store.watch("", after=revision - 1)
    await anext(watch)
    await watch.close()


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def write(path: Path, *pieces: bytes) -> None:
    with path.open("wb") as file:
        sealer = Sealer(file, partial(lock, passphrase=b"open sesame", work=1))
        for piece in pieces:
            sealer.write(piece)
        sealer.finish()


class Place:
    """Where a backup is restored to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.passphrase = directory / "passphrase"
        self.passphrase.write_text("open sesame\n")

    def restore(self, source: Path, *arguments: str, to: str = "new") -> int:
        return main(
            [
                *("--input", str(source), "--passphrase-file", str(self.passphrase)),
                *("--data-dir", str(self.directory / to)),
                *("--encryption-key-file", str(self.directory / f"{to}.key")),
                *arguments,
            ]
        )

    async def content(self, to: str = "new") -> list[KeyValue]:
        data_dir, key = self.directory / to, self.directory / f"{to}.key"
        options = EncryptionOptions(FileSource(key), None, False)
        encrypting = load_encrypting(data_dir, options)
        database = SQLiteStore.open(data_dir / "store" / "strongroom.db")
        store = EncryptedStore(database, encrypting.values)
        try:
            return (await store.list("")).items
        finally:
            await store.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("strongroom.server.restore.harden", lambda: None)
    return Place(tmp_path)


@pytest.fixture
def small(place: Place) -> Path:
    path = place.directory / "small.backup"
    record = Record("/registry/secrets/a/b", b"the value", 2, 5)
    head = Head(1, 9, "2026-11-22T12:00:00Z", "0.1.0")
    write(path, encode(head), encode(record), encode(End(1)))
    return path


async def test_ten_thousand_objects_come_back_under_another_key(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    store = EncryptedStore(MemoryStore(), local_kms())
    await fill(store, MANY)
    before = (await store.list("")).items
    await store.create(AUTHORITIES, b"of the servers, and of no backup")
    revision = await store.revision()
    path = place.directory / "store.backup"
    write(path, *[piece async for piece in await lines_of(store)])
    assert place.restore(path) == 0
    told = capsys.readouterr().out
    assert f"{MANY} objects as of revision {revision}" in told
    assert "  secrets     3334" in told
    *after, mark = sorted(await place.content(), key=lambda item: item.key == MARK)
    assert after == before
    assert (mark.key, mark.mod_revision) == (MARK, revision + GAP)
    # And from there once more, to a third place.
    assert place.restore(path, "--replace") == 0
    assert "the store that was there is " in capsys.readouterr().out


async def test_authorities_in_an_older_backup_stay_behind(place: Place) -> None:
    path = place.directory / "older.backup"
    head = Head(1, 9, "2026-11-22T12:00:00Z", "0.1.0")
    write(path, encode(head), encode(Record(AUTHORITIES, b"private", 3, 3)), encode(End(1)))
    assert place.restore(path) == 0
    assert [item.key for item in await place.content()] == [MARK]


async def test_a_backup_is_of_one_revision_while_others_write(tmp_path: Path) -> None:
    store = EncryptedStore(SQLiteStore.open(tmp_path / "store.db"), local_kms())
    await fill(store, 1000)
    writing = True

    async def write_on(number: int) -> None:
        key = f"/registry/secrets/ns-{number}/busy"
        revision = await store.create(key, b"0")
        while writing:
            revision = await store.update(key, os.urandom(8), expected=revision)
            await store.create(f"{key}-{revision}", b"new")

    writers = [asyncio.create_task(write_on(number)) for number in range(7)]
    try:
        pieces = []
        async for piece in await lines_of(store):
            pieces.append(piece)
            reached = await store.revision()
            await wait_for_revision(store, reached + 20)  # Others get on, between any two pages.
    finally:
        writing = False
        await asyncio.gather(*writers)
    check = Check()
    found = [
        KeyValue(each.key, each.value, each.created, each.revision)
        for each in records(pieces, check)
    ]
    head = check.finish()
    assert await store.revision() > head.revision
    assert found == (await store.list("", revision=head.revision)).items
    await store.close()


async def test_history_that_ends_meanwhile_is_told() -> None:
    store = EncryptedStore(MemoryStore(), local_kms())
    await fill(store, 600)
    lines = await lines_of(store)
    pieces = [await anext(lines), await anext(lines)]
    await store.create("/registry/secrets/a/b", b"")
    await store.compact(await store.revision())
    pieces += [piece async for piece in lines]
    with pytest.raises(Exception, match="longer than history is kept"):
        list(records(pieces, Check()))


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _edited(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


@pytest.mark.parametrize("spoil", [_cut, _edited, lambda content: content + b"\0"])
def test_a_spoiled_backup_changes_nothing(
    place: Place, small: Path, spoil: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_bytes(spoil(small.read_bytes()))
    assert place.restore(small) == 1
    assert capsys.readouterr().err.startswith("error: the file is damaged or cut off")
    assert names_in(place.directory) == ["passphrase", "small.backup"]


def test_another_passphrase_changes_nothing(
    place: Place, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.passphrase.write_text("open barley\n")
    assert place.restore(small) == 1
    assert capsys.readouterr().err.startswith("error: the passphrase is wrong")
    assert names_in(place.directory) == ["passphrase", "small.backup"]


def test_nobody_is_asked_where_nobody_is(
    place: Place, small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["--input", str(small), "--data-dir", str(place.directory / "new")]) == 1
    assert "--passphrase-file" in capsys.readouterr().err


def test_a_dry_run_tells_what_is_in_it(
    place: Place, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.restore(small, "--dry-run") == 0
    told = capsys.readouterr()
    assert told.out == (
        "backup of 2026-11-22T12:00:00Z, by strongroom 0.1.0: 1 objects as of revision 9\n"
        "  secrets  1\n"
    )
    assert names_in(place.directory) == ["passphrase", "small.backup"]


async def test_a_store_in_use_and_one_that_is_there_stay(
    place: Place, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.restore(small) == 0
    assert place.restore(small) == 1
    assert "there is a store already" in capsys.readouterr().err
    store = SQLiteStore.open(place.directory / "new" / "store" / "strongroom.db")
    assert place.restore(small, "--replace") == 1
    assert "is in use" in capsys.readouterr().err
    await store.close()
    assert place.restore(small, "--replace") == 0
    # Nothing of it is in the clear, and its key is another one.
    files = (place.directory / "new" / "store").iterdir()
    assert not any(b"the value" in file.read_bytes() for file in files)


@pytest.mark.parametrize(
    "arguments", [(), ("--input", "x", "--store", "mysql:x"), ("--input", "x", "--unknown")]
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


async def test_a_restored_server_shows_the_same_objects(place: Place, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    async with running(tmp_path / "old") as api:
        made = await api.ask(
            "POST", SECRETS, {"metadata": {"name": "db"}, "stringData": {"a": "b"}}
        )
        assert made.code == 201
        assert (await api.ask("GET", PATH, identity="node")).code == 403
        assert (await api.ask("GET", PATH, identity="")).code == 401
        assert (await api.ask("POST", PATH)).code == 405
        head = await api.ask("HEAD", PATH)
        assert (head.code, head.body) == (200, b"")
        given = await api.ask("GET", PATH)
        assert given.headers["content-type"] == "application/x-ndjson"
    told = [event for event in api.audit_events() if event["requestURI"] == PATH]
    assert {event["responseStatus"]["code"] for event in told} == {200, 401, 403, 405}
    path = tmp_path / "store.backup"
    write(path, given.body)
    place.directory = tmp_path / "elsewhere"
    place.directory.mkdir()
    (place.directory / "keys").mkdir(mode=0o700)
    key = place.directory / "keys" / "the.key"
    assert place.restore(path, "--encryption-key-file", str(key), to="data") == 0
    async with running(place.directory) as again:
        found = await again.ask("GET", f"{SECRETS}/db")
        assert found.json == made.json
        version = made.json["metadata"]["resourceVersion"]
        gone = await again.ask("GET", f"{SECRETS}?watch=1&resourceVersion={version}")
        assert gone.json["object"]["code"] == 410
        changed = await again.ask("PUT", f"{SECRETS}/db", made.json)
        assert changed.code == 200


async def test_what_the_server_cannot_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    given = ("--encryption-provider-config", str(path))
    configure(path, ("lost", ONE), ("kept", TWO))
    async with running(tmp_path, *given) as api:
        assert (await api.ask("POST", SECRETS, {"metadata": {"name": "lost"}})).code == 201
    configure(path, ("kept", TWO))
    async with running(tmp_path, *given) as api:
        check = Check()
        list(records([(await api.ask("GET", PATH)).body], check))
    why = {each.key: each.why for each in check.unreadable}
    assert "aesgcm key 'lost'" in why["/registry/secrets/default/lost"]
