"""A data directory of each earlier state of strongroom is served by this one, with all in it.

There was no release yet: the fixtures are of the ends of earlier work, by the number of its issue.
"""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from strongroom.server.ground import StartError
from strongroom.server.storage import open_store
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.format import FORMAT, KEY, Record
from tests.server.conftest import running

FIXTURES = sorted(Path(__file__).parent.glob("*.tar.xz"))


def unpacked(fixture: Path, directory: Path) -> Path:
    """The room that the fixture holds, with its key where the tests' servers have theirs."""
    with tarfile.open(fixture) as packed:
        packed.extractall(directory, filter="data")
    for private in ("data", "data/store", "data/pki"):
        (directory / private).chmod(0o700)
    (directory / "keys").mkdir()
    (directory / "the.key").rename(directory / "keys" / "the.key")
    return directory


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name.partition(".")[0])
async def test_what_was_stored_then_is_served_now(fixture: Path, tmp_path: Path) -> None:
    old = "/api/v1/namespaces/old"
    async with running(unpacked(fixture, tmp_path)) as run:
        secret = (await run.ask("GET", f"{old}/secrets/db")).json
        assert secret["data"] == {"password": "aHVudGVyMw=="}
        assert secret["type"] == "example.org/db"
        assert secret["metadata"]["labels"] == {"app": "shop"}
        assert (await run.ask("GET", f"{old}/secrets/gone")).code == 404
        assert (await run.ask("GET", f"{old}/configmaps/settings")).json["data"]["color"] == "blue"
        patched = {"Content-Type": "application/merge-patch+json"}
        change = {"metadata": {"labels": {"app": "now"}}}
        done = await run.ask("PATCH", f"{old}/secrets/db", change, headers=patched)
        assert done.code == 200, done.body
        if fixture.name >= "issue-3":
            vault = await run.ask("GET", "/apis/example.org/v1/namespaces/old/vaults/v")
            assert vault.json["spec"] == {"size": 3}
        if fixture.name >= "issue-4":
            past = await run.ask(
                "GET", "/apis/strongroom.io/v1alpha1/namespaces/old/secretrevisions"
            )
            assert {one["spec"]["operation"] for one in past.json["items"]} == {"patch", "delete"}
            roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/old/roles/reader"
            assert (await run.ask("GET", roles)).json["rules"][0]["verbs"] == ["get"]


async def test_a_store_of_a_later_strongroom_is_left_as_it_is(tmp_path: Path) -> None:
    room = unpacked(FIXTURES[-1], tmp_path)
    path = room / "data" / "store" / "strongroom.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    with pytest.raises(StartError, match="has format version 2; this program knows 1"):
        async with running(room):
            pass
    assert path.read_bytes() == before


async def test_a_format_of_a_later_strongroom_is_told_at_the_start(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        options = run.options
    opened = await open_store(options.data_dir, options.store, options.encryption, options.etcd)
    store = EncryptedStore(opened.database, opened.encrypting.values)
    record = await store.get(KEY)
    assert record is not None
    assert msgspec.json.decode(record.value, type=Record).format == FORMAT
    later = msgspec.json.encode(Record(FORMAT + 1, "9.0"))
    revision = await store.update(KEY, later, expected=record.mod_revision)
    await store.close()
    with pytest.raises(StartError, match=r"has format 2, of strongroom 9\.0; this program knows 1"):
        async with running(tmp_path):
            pass
    opened = await open_store(options.data_dir, options.store, options.encryption, options.etcd)
    assert await opened.database.revision() == revision
    await opened.database.close()
