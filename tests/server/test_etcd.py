"""The API server over etcd: what it keeps there, and what happens while etcd is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from strongroom.backup.lines import PATH as BACKUP
from strongroom.backup.lines import Check, records
from strongroom.server.assembly import assemble
from strongroom.server.etcd_options import etcd_store
from strongroom.server.ground import StartError
from strongroom.server.options import parse_options
from strongroom.storage.encryption.stored import KMS_V2, look
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.etcd_cluster import Credentials
from strongroom.storage.filling import UNFINISHED
from tests.etcd import Etcd
from tests.server.conftest import SECRETS, Running, running, secret
from tests.server.test_backup import Place, write

KEY = "/registry/secrets/default/"


@pytest.fixture
async def etcd(tmp_path: Path) -> AsyncIterator[Etcd]:
    member = Etcd(tmp_path / "etcd")
    member.start()
    yield member
    member.kill()


async def created(run: Running, name: str) -> None:
    """A Secret that is there in the end; until then the server says that it cannot now."""
    async with asyncio.timeout(30):
        while True:
            answer = await run.ask("POST", SECRETS, secret(name, a="b"))
            if answer.code in (201, 409):
                return
            assert answer.json["reason"] == "ServerTimeout"


async def added(stream: aiohttp.StreamReader) -> str:
    """The name of the next object of a watch, which must be a new one."""
    line: dict[str, Any] = json.loads(await asyncio.wait_for(stream.readline(), 30))
    assert line["type"] == "ADDED"
    name: str = line["object"]["metadata"]["name"]
    return name


@pytest.mark.needs("etcd")
async def test_a_server_over_etcd(tmp_path: Path, etcd: Etcd) -> None:
    store = f"etcd:{etcd.url}"
    async with running(tmp_path, "--store", store) as run:
        await created(run, "first")
        got = (await run.ask("GET", f"{SECRETS}/first")).json
        assert got["data"] == {"a": "Yg=="}
        listed = (await run.ask("GET", SECRETS)).json
        assert [item["metadata"]["name"] for item in listed["items"]] == ["first"]
        again = {**got, "data": {"a": "Yw=="}}
        changed = (await run.ask("PUT", f"{SECRETS}/first", again)).json
        stale = await run.ask("PUT", f"{SECRETS}/first", again)
        assert (stale.code, stale.json["reason"]) == (409, "Conflict")
        since = changed["metadata"]["resourceVersion"]
        watch = await run.session().get(f"{SECRETS}?watch=1&resourceVersion={since}")
        await created(run, "second")
        assert await added(watch.content) == "second"
        etcd.kill()
        refused = await run.ask("POST", SECRETS, secret("third", a="b"))
        assert (refused.code, refused.json["reason"]) == (500, "ServerTimeout")
        assert (await run.ask("GET", "/readyz")).code == 500
        etcd.start()
        await created(run, "fourth")
        assert await added(watch.content) == "fourth"
        assert (await run.ask("GET", f"{SECRETS}/first")).json == changed
        large = await run.ask("POST", SECRETS, secret("large", a="x" * 1_000_000))
        assert large.code == 201
        watch.close()
    await check_what_is_stored(etcd)
    async with running(tmp_path, "--etcd-servers", etcd.url) as run:
        assert (await run.ask("GET", f"{SECRETS}/first")).json == changed
        with pytest.raises(StartError, match="is in use by another process"):
            async with assemble(run.options):
                pass
    (tmp_path / "elsewhere").mkdir()
    # Whoever has lost the key must not begin with another one.
    with pytest.raises(StartError, match="key"):
        async with running(tmp_path / "elsewhere", "--store", store):
            pass


async def check_what_is_stored(etcd: Etcd) -> None:
    raw = await EtcdStore.open([etcd.url])
    names = ("first", "second", "fourth")
    found = [await raw.get(KEY + name) for name in names]
    assert {look(kv.value).scheme for kv in found if kv is not None} == {KMS_V2}
    assert None not in found
    await raw.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--store", "etcd:"], "expected members of etcd as https://HOST:PORT"),
        (["--store", "etcd:https://a:1,b:2"], "expected members of etcd"),
        (["--etcd-servers", "https://a"], "expected members of etcd"),
        (["--etcd-servers", "https://a:99999"], "expected members of etcd"),
        (["--etcd-servers", "https://a:1/x"], "expected members of etcd"),
        (["--etcd-servers", "https://a:1", "--store", "sqlite:x"], "name different stores"),
        (["--control-plane-endpoint", "a"], "expected HOST:PORT"),
        (["--control-plane-endpoint", "https://a:1"], "expected HOST:PORT"),
        (["--control-plane-endpoint", "a:b"], "expected HOST:PORT"),
        (["--control-plane-endpoint", "u@a:1"], "expected HOST:PORT"),
        (["--control-plane-endpoint", "a:1/x"], "expected HOST:PORT"),
        (["--etcd-certfile", "x"], "--etcd-certfile and --etcd-keyfile go together"),
    ],
)
def test_what_is_wrong_about_etcd_is_said(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert says in capsys.readouterr().err


def test_members_by_upstreams_option_and_by_ours_are_the_same() -> None:
    urls = "https://a:2379,https://b:2379/"
    stores = {
        parse_options(["--etcd-servers", urls]).store,
        parse_options(["--store", f"etcd:{urls}"]).store,
        etcd_store(urls),
    }
    assert stores == {"etcd:https://a:2379,https://b:2379"}


@pytest.mark.needs("etcd")
async def test_a_store_moves_to_etcd_by_backup_and_restore(tmp_path: Path, etcd: Etcd) -> None:
    (tmp_path / "old").mkdir()
    async with running(tmp_path / "old") as run:
        await created(run, "moved")
        before = (await run.ask("GET", f"{SECRETS}/moved")).json
        lines = (await run.ask("GET", BACKUP)).body
    write(tmp_path / "store.backup", lines)
    place = Place(tmp_path)
    store = f"etcd:{etcd.url}"
    (tmp_path / "keys").mkdir(mode=0o700)
    key = ("--encryption-key-file", str(tmp_path / "keys" / "the.key"), "--store", store)

    def restore(*arguments: str) -> int:
        return place.restore(tmp_path / "store.backup", *key, *arguments, to="data")

    assert await asyncio.to_thread(restore, "--replace") == 1
    assert await asyncio.to_thread(restore) == 0
    assert await asyncio.to_thread(restore) == 1
    async with running(tmp_path, "--store", store) as run:
        after = (await run.ask("GET", f"{SECRETS}/moved")).json
        again = Check()
        list(records([(await run.ask("GET", BACKUP)).body], again))
        assert again.kinds["secrets"]
    for each in (before, after):
        del each["metadata"]["resourceVersion"]
    assert after == before
    other = await EtcdStore.open([etcd.url], Credentials())
    await other.create(UNFINISHED, b"")
    await other.close()
    with pytest.raises(StartError, match="holds a part of a backup"):
        async with running(tmp_path, "--store", store):
            pass


async def test_an_etcd_that_is_not_reached_by_tls_is_told_with_the_options_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.storage.etcd.EtcdStore.open", no_member)
    for url, ending in (
        ("https://127.0.0.1:1", r"\(do --etcd-cafile.* fit\?\)"),
        ("http://h:1", "h:1"),
    ):
        with pytest.raises(StartError, match=f"{ending}$"):
            await running(tmp_path, "--store", f"etcd:{url}").__aenter__()


async def test_a_directory_of_an_etcd_gets_no_empty_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "etcd.lock").touch()
    with pytest.raises(StartError, match=r"is in an etcd: start with --store etcd:…"):
        await running(tmp_path).__aenter__()
    assert not (tmp_path / "keys").exists()
    assert not (tmp_path / "data" / "store").exists()


async def no_member(urls: list[str], *more: object, **others: object) -> None:
    raise StoreUnavailable(f"no member of etcd can be reached: {', '.join(urls)}")
