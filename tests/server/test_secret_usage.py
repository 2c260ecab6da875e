"""Who read Secrets and when, when their values end, and what metrics tell of both."""

from __future__ import annotations

import base64
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from strongroom.testing.clock import ManualClock
from tests.resources.test_certificate_times import ending
from tests.server.conftest import Answer, Running, running
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
DAY = timedelta(days=1)
# In the past, or the server's certificate would not be valid yet; in the middle of an hour.
BEGIN = (datetime.now(UTC) - timedelta(hours=1)).replace(minute=30, second=0, microsecond=0)
_numbers = itertools.count(1)


class Room:
    """A namespace of a test's own."""

    def __init__(self, api: Running, clock: ManualClock, namespace: str) -> None:
        self.api = api
        self.clock = clock
        self.namespace = namespace
        self.secrets = f"/api/v1/namespaces/{namespace}/secrets"
        self.usages = f"/apis/strongroom.io/v1alpha1/namespaces/{namespace}/secretusages"

    async def ask(self, *arguments: Any, **options: Any) -> Answer:
        return await self.api.ask(*arguments, **options)

    async def secret(self, name: str, **values: bytes) -> None:
        data = {k.replace("_", "."): base64.b64encode(v).decode() for k, v in values.items()}
        made = await self.ask("POST", self.secrets, {"metadata": {"name": name}, "data": data})
        assert made.code == 201

    async def usage(self, name: str) -> Any:
        """What is told of a Secret; None when nothing is."""
        found = await self.ask("GET", f"{self.usages}/{name}")
        return found.json if found.code == 200 else None

    async def until(self, name: str, holds: Callable[[Any], object]) -> Any:
        return await until(lambda: self.usage(name), holds)

    async def reads(self, name: str, count: int) -> list[dict[str, str]]:
        """The reads of a Secret once so many ways are told."""
        usage = await self.until(name, lambda u: u and len(u.get("reads", ())) == count)
        reads: list[dict[str, str]] = usage["reads"]
        return reads

    async def a_turn(self) -> None:
        """Wait until the server has written what was read before."""
        name = f"marker-{next(_numbers)}"
        await self.secret(name)
        await self.ask("GET", f"{self.secrets}/{name}")
        await self.reads(name, 1)

    def hour(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:00:00Z")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, ManualClock]]:
    clock = ManualClock(BEGIN)
    directory = tmp_path_factory.mktemp("usage")
    async with running(directory, "--secret-usage-interval", "50ms", clock=clock) as api:
        yield api, clock


@pytest_asyncio.fixture(loop_scope="module")
async def room(server: tuple[Running, ManualClock]) -> Room:
    name = f"room-{next(_numbers)}"
    await server[0].ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return Room(*server, name)


async def test_a_read_is_told_to_the_hour(room: Room) -> None:
    await room.secret("s", password=b"x")
    await room.ask("GET", f"{room.secrets}/s")
    told = [{"verb": "get", "time": room.hour(), "by": "strongroom:admin"}]
    reads = await room.reads("s", 1)
    assert [reads[0] | {"by": told[0]["by"]}] == told
    usage = await room.usage("s")
    assert usage["lastReadTime"] == room.hour()
    assert usage["lastReadBy"] == reads[0]["by"] != ""
    secret = (await room.ask("GET", f"{room.secrets}/s")).json
    (owner,) = usage["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Secret", secret["metadata"]["uid"])


async def test_tables_and_metadata_are_no_reads(room: Room) -> None:
    await room.secret("s", password=b"x")
    for accept in (TABLE, PARTIAL):
        await room.ask("GET", room.secrets, headers={"Accept": accept})
    one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    await room.ask("GET", f"{room.secrets}/s", headers={"Accept": one})
    assert (await room.ask("GET", f"{room.secrets}/missing")).code == 404
    await room.a_turn()
    assert await room.usage("s") is None
    assert await room.usage(":all") is None
    assert await room.usage("missing") is None


async def test_a_secret_is_written_about_once_an_hour(room: Room) -> None:
    await room.secret("s", password=b"x")
    await room.ask("GET", f"{room.secrets}/s")
    await room.reads("s", 1)
    before = await room.usage("s")
    first = room.hour()
    await room.ask("GET", f"{room.secrets}/s")
    await room.ask("GET", f"{room.secrets}?fieldSelector=metadata.name%3Ds")
    await room.a_turn()
    assert await room.usage("s") == before
    room.clock.advance(3600)
    # What could not be written then is written now, as of then.
    assert [read["time"] for read in await room.reads("s", 2)] == [first, first]
    await room.ask("GET", f"{room.secrets}/s")
    usage = await room.until("s", lambda u: u["lastReadTime"] == room.hour())
    times = {read["verb"]: read["time"] for read in usage["reads"]}
    assert times == {"get": room.hour(), "list": first}


async def test_reads_of_a_whole_namespace_are_one_note(room: Room) -> None:
    for i in range(5):
        await room.secret(f"s{i}")
    await room.ask("GET", room.secrets)
    (read,) = await room.reads(":all", 1)
    assert read["verb"] == "list"
    await room.a_turn()
    assert await room.usage("s1") is None
    # A list of all namespaces is one of each; this one's waits for the next hour.
    room.clock.advance(3600)
    await room.ask("GET", "/api/v1/secrets")
    await room.until(":all", lambda u: u["lastReadTime"] == room.hour())


async def test_watches_are_told_by_what_they_can_show(room: Room) -> None:
    await room.secret("s")
    session = room.api.session()
    one = {"watch": "true", "fieldSelector": "metadata.name=s", "timeoutSeconds": "1"}
    async with session.get(room.secrets, params=one):
        (read,) = await room.reads("s", 1)
    assert read["verb"] == "watch"
    await room.secret("other")
    body = {"metadata": {"name": "marked", "labels": {"a": room.namespace}}}
    await room.ask("POST", room.secrets, body)
    everywhere = {"watch": "true", "labelSelector": f"a={room.namespace}", "timeoutSeconds": "1"}
    async with session.get("/api/v1/secrets", params=everywhere):
        (read,) = await room.reads("marked", 1)
    assert read["verb"] == "watch"
    assert await room.usage("other") is None
    assert await room.usage(":all") is None
    async with session.get(room.secrets, params={"watch": "true", "timeoutSeconds": "1"}):
        (read,) = await room.reads(":all", 1)
    assert read["verb"] == "watch"


async def test_what_values_tell_of_their_end_is_told_without_them(room: Room) -> None:
    end = BEGIN.replace(minute=0) + 30 * DAY
    await room.secret("s", tls_crt=ending(end, begin=BEGIN - 400 * DAY), tls_key=b"secret")
    usage = await room.until("s", lambda u: u)
    assert usage["expiresAt"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (usage["expiresFrom"], usage["expiresWhat"]) == ("data[tls.crt]", "certificate")
    merge = {"Content-Type": "application/merge-patch+json"}
    gone = {"data": {"tls.crt": None}}
    await room.ask("PATCH", f"{room.secrets}/s", gone, headers=merge)
    await room.until("s", lambda u: "expiresAt" not in u)


async def test_the_object_goes_with_its_secret(room: Room) -> None:
    await room.secret("s", password=b"x")
    await room.ask("GET", f"{room.secrets}/s")
    await room.reads("s", 1)
    await room.ask("DELETE", f"{room.secrets}/s")
    await room.until("s", lambda u: u is None)
    # One that is made again has not been read.
    await room.secret("s", password=b"x")
    await room.a_turn()
    assert await room.usage("s") is None


async def test_a_secret_made_anew_is_not_the_old_one(room: Room) -> None:
    await room.secret("s", password=b"x")
    await room.ask("GET", f"{room.secrets}/s")
    await room.reads("s", 1)
    await room.ask("DELETE", f"{room.secrets}/s")
    await room.secret("s", password=b"x")
    secret = (await room.ask("GET", f"{room.secrets}/s")).json
    uid = secret["metadata"]["uid"]
    await room.until("s", lambda u: u and u["metadata"]["ownerReferences"][0]["uid"] == uid)


async def test_clients_cannot_write_what_the_server_tells(room: Room) -> None:
    body = {"metadata": {"name": "s"}, "lastReadBy": "nobody"}
    assert (await room.ask("POST", room.usages, body)).code == 405
    assert (await room.ask("PUT", f"{room.usages}/s", body)).code == 405


async def _samples(room: Room) -> dict[tuple[str, str], float]:
    """The metrics about Secrets of the room: by metric and name."""
    page = await room.ask("GET", "/metrics")
    return {
        (sample.name, sample.labels["name"]): sample.value
        for family in text_string_to_metric_families(page.body.decode())
        for sample in family.samples
        if sample.labels.get("namespace") == room.namespace
    }


async def test_metrics_tell_age_end_and_rotation(room: Room) -> None:
    await room.secret("s", tls_crt=ending(room.clock.now() + 9 * DAY, begin=BEGIN - 400 * DAY))
    merge = {"Content-Type": "application/merge-patch+json"}
    note = {"metadata": {"annotations": {"strongroom.io/rotate-after": "2d"}}}
    await room.secret("plain", password=b"x")
    await room.ask("PATCH", f"{room.secrets}/plain", note, headers=merge)
    day = DAY.total_seconds()
    found = await _samples(room)
    age, end = "strongroom_secret_age_seconds", "strongroom_secret_expires_in_seconds"
    due = "strongroom_secret_rotation_due_in_seconds"
    assert found == {(age, "s"): 0, (age, "plain"): 0, (end, "s"): 9 * day, (due, "plain"): 2 * day}
    room.clock.advance(10 * day)
    found = await _samples(room)
    assert found[age, "plain"] == 10 * day
    assert (found[end, "s"], found[due, "plain"]) == (-day, -8 * day)
    await room.ask("PATCH", f"{room.secrets}/plain", {"data": {"password": "eQ=="}}, headers=merge)
    assert (await _samples(room))[age, "plain"] == 0


async def test_all_of_it_can_be_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("off")
    off = ("--secret-usage-interval", "0", "--secret-metrics=false")
    async with running(directory, *off) as api:
        room = Room(api, ManualClock(), "default")
        await room.secret("s", password=b"x")
        assert (await room.ask("GET", f"{room.secrets}/s")).code == 200
        page = (await room.ask("GET", "/metrics")).body
        assert b"apiserver_request_total" in page
        assert b"strongroom_secret" not in page
        assert (await room.ask("GET", room.usages)).json["items"] == []
