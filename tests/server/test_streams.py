"""Watches over HTTP, clients that are slow or vanish, and the end of the server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from strongroom.server import app, protocol, request
from tests.server.conftest import SECRETS, Running, running, secret


async def next_event(response: aiohttp.ClientResponse) -> Any:
    line = await asyncio.wait_for(response.content.readline(), 10)
    return json.loads(line) if line else None


async def test_a_watch_shows_what_happens(api: Running) -> None:
    start = (await api.ask("GET", SECRETS)).json["metadata"]["resourceVersion"]
    url = f"{SECRETS}?watch=1&resourceVersion={start}"
    async with api.session().get(url) as watch:
        assert watch.status == 200
        await api.ask("POST", SECRETS, secret("s", a="x"))
        await api.ask("DELETE", f"{SECRETS}/s")
        added, deleted = await next_event(watch), await next_event(watch)
    assert (added["type"], added["object"]["metadata"]["name"]) == ("ADDED", "s")
    assert deleted["type"] == "DELETED"
    # The same, again, from where the first event was.
    after = added["object"]["metadata"]["resourceVersion"]
    async with api.session().get(f"{SECRETS}?watch=1&resourceVersion={after}") as watch:
        assert (await next_event(watch))["type"] == "DELETED"


async def test_initial_events_end_with_a_bookmark(api: Running) -> None:
    await api.ask("POST", SECRETS, secret("s", a="x"))
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    async with api.session().get(f"{SECRETS}?{query}&allowWatchBookmarks=true") as watch:
        assert (await next_event(watch))["type"] == "ADDED"
        bookmark = await next_event(watch)
    assert bookmark["type"] == "BOOKMARK"
    annotations = bookmark["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_of_one_name_by_selector_and_by_the_old_path(api: Running) -> None:
    for url in (
        f"{SECRETS}?watch=1&fieldSelector=metadata.name%3Dwanted",
        "/api/v1/watch/namespaces/default/secrets/wanted",
    ):
        async with api.session().get(url) as watch:
            await api.ask("POST", SECRETS, secret("other"))
            await api.ask("POST", SECRETS, secret("wanted"))
            assert (await next_event(watch))["object"]["metadata"]["name"] == "wanted"
        await api.ask("DELETE", SECRETS)


async def test_a_watch_ends_after_its_time(api: Running) -> None:
    async with api.session().get(f"{SECRETS}?watch=1&timeoutSeconds=1") as watch:
        assert await next_event(watch) is None


async def test_a_watch_from_a_revision_yet_to_come_skips_what_is_before(api: Running) -> None:
    start = int((await api.ask("GET", SECRETS)).json["metadata"]["resourceVersion"])
    async with api.session().get(f"{SECRETS}?watch=1&resourceVersion={start + 1}") as watch:
        for name in ("before", "after"):
            await api.ask("POST", SECRETS, secret(name))
        assert (await next_event(watch))["object"]["metadata"]["name"] == "after"


async def test_table_watch(api: Running) -> None:
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    async with api.session().get(f"{SECRETS}?watch=1", headers=headers) as watch:
        await api.ask("POST", SECRETS, secret("s", a="x"))
        event = await next_event(watch)
    assert event["object"]["kind"] == "Table"
    assert event["object"]["columnDefinitions"]


async def wait_until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited shows in a file only
            await asyncio.sleep(0.01)


async def test_a_watcher_that_vanishes_is_noticed(api: Running) -> None:
    session = aiohttp.ClientSession(
        api.server.url, connector=aiohttp.TCPConnector(ssl=api.context("admin"))
    )
    response = await session.get(f"{SECRETS}?watch=1")
    assert response.status == 200
    response.close()
    await session.close()
    await wait_until(lambda: len(api.audit_events()) == 2)
    started, complete = api.audit_events()
    assert (started["stage"], complete["stage"]) == ("ResponseStarted", "ResponseComplete")


async def test_a_slow_body_is_given_up(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "BODY_TIMEOUT", 0.2)
    forever = asyncio.Event()

    async def body() -> Any:
        yield b'{"metadata":'
        await forever.wait()

    headers = {"Content-Type": "application/json"}
    async with api.session().post(SECRETS, data=body(), headers=headers) as response:
        assert response.status == 408
        assert (await response.json())["reason"] == "Timeout"


async def test_a_client_that_vanishes_within_its_body_changes_nothing(api: Running) -> None:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", int(api.server.url.rpartition(":")[2]), ssl=api.context("admin")
    )
    head = f"POST {SECRETS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = json.dumps(secret("half")).encode()
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % (len(body) + 1) + body)
    await writer.drain()
    writer.transport.abort()
    await wait_until(api.audit_events)
    (event,) = api.audit_events()
    assert event["responseStatus"]["code"] == app.NO_CLIENT
    assert (await api.ask("GET", f"{SECRETS}/half")).code == 404


async def test_headers_without_end_are_refused(api: Running) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(api.server.url.rpartition(":")[2]), ssl=api.context("admin")
    )
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 431")
    writer.close()


async def test_headers_that_do_not_come_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEADER_TIMEOUT", 0.2)
    async with running(tmp_path) as api:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(api.server.url.rpartition(":")[2]), ssl=api.context("admin")
        )
        writer.write(b"GET /livez HTTP/1.1\r\nHost:")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


@pytest.mark.parametrize("junk", [b"\x00\x01\x02\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http(api: Running, junk: bytes) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(api.server.url.rpartition(":")[2]), ssl=api.context("admin")
    )
    writer.write(junk)
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_the_end_of_the_server_is_clean(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        async with api.session().get(f"{SECRETS}?watch=1") as watch:
            await api.ask("POST", SECRETS, secret("s", a="x"))
            assert (await next_event(watch))["type"] == "ADDED"
            ending = asyncio.create_task(api.stop())
            # The stream ends as a whole one, not by a broken connection.
            assert await next_event(watch) is None
        await ending
        assert api.task.done()


async def test_a_second_start_continues(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        made = (await api.ask("POST", SECRETS, secret("s", a="x"))).json
        first_ca = api.pki.ca_file.read_bytes()
    async with running(tmp_path) as api:
        assert (await api.ask("GET", f"{SECRETS}/s")).json == made
        assert api.pki.ca_file.read_bytes() == first_ca
