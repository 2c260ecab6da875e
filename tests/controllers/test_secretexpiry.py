"""Events about Secrets that expire or are due, as time passes by the test's hand."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from strongroom.api import codec
from strongroom.client.client import Client, Patch
from strongroom.client.config import load_config
from strongroom.client.events import EventRecorder
from strongroom.controllers.secretexpiry import AGAIN, WARNINGS, SecretExpiry, states
from strongroom.controllers.secretexpiry_options import Spans
from strongroom.resources.event import EVENTS
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_expiry import Expiry, Facts
from strongroom.testing.clock import ManualClock
from tests.controllers.conftest import World, at_work, world_of
from tests.controllers.test_no_values import Recording
from tests.controllers.test_node_lifecycle import Ticks
from tests.resources.test_certificate_times import ending
from tests.server.conftest import running
from tests.waiting import until

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def _told(days: float, rotate: float | None = None, age: float = 0) -> list[tuple[str, str]]:
    end = Expiry(NOW + days * DAY, "certificate", "data[tls.crt]")
    after = None if rotate is None else rotate * DAY
    facts = Facts(NOW - age * DAY, None, end, after)
    return [(state.reason, state.message) for state in states(facts, NOW, WARNINGS)]


def test_states_follow_each_other() -> None:
    def at(days: float) -> str:
        return f"{NOW + days * DAY:%Y-%m-%dT%H:%M:%SZ}"

    what = "the certificate (data[tls.crt])"
    assert _told(31) == []
    assert _told(30) == [("SecretExpiring", f"{what} expires within 30d, at {at(30)}")]
    assert _told(8) == [("SecretExpiring", f"{what} expires within 30d, at {at(8)}")]
    assert _told(7) == [("SecretExpiring", f"{what} expires within 7d, at {at(7)}")]
    assert _told(0.5) == [("SecretExpiring", f"{what} expires within 1d, at {at(0.5)}")]
    assert _told(0) == [("SecretExpired", f"{what} expired at {at(0)}")]
    due = f"the values last changed at {at(-9)}; new ones were due at {at(-1)}"
    assert _told(99, rotate=8, age=9) == [("SecretRotationDue", due)]
    assert _told(99, rotate=8, age=7) == []


def test_the_setting_is_a_list_of_durations() -> None:
    assert Spans().convert("1d,30d,12h,1d", None, None) == (30 * DAY, DAY, DAY / 2)
    for wrong in ("", "1d,", "soon"):
        with pytest.raises(click.BadParameter):
            Spans().convert(wrong, None, None)


class Watched:
    """A server whose clock the test moves, and the controller at it."""

    def __init__(self, world: World, clock: ManualClock, ticks: Ticks) -> None:
        self.world = world
        self.clock = clock
        self.ticks = ticks

    async def secret(self, name: str, annotations: Any = None, **values: bytes) -> None:
        meta = {"name": name, "annotations": annotations or {}}
        secret = codec.from_tree({"metadata": meta}, Secret)
        secret.data = {key.replace("_", "."): value for key, value in values.items()}
        await self.world.client.create(SECRETS, secret, "default")

    async def told(self, name: str, count: int) -> list[tuple[str, int]]:
        """Reasons and counts of the events about a Secret, once they count so many in all."""

        async def read() -> list[tuple[str, int]]:
            self.ticks.tick()
            selector = f"involvedObject.name={name}"
            page = await self.world.client.list(EVENTS, "default", field_selector=selector)
            return [(event.reason, event.count) for event in page.items]

        return await until(read, lambda found: sum(n for _, n in found) == count)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    clock, ticks = ManualClock(NOW), Ticks()
    often = ("--secret-usage-interval", "50ms", "--event-ttl", "8760h")
    async with (
        running(tmp_path, *often, clock=clock),
        world_of(tmp_path / "data" / "admin.kubeconfig") as world,
    ):
        yield Watched(world, clock, ticks)


@asynccontextmanager
async def _controller(watched: Watched, client: Client) -> AsyncIterator[None]:
    events = EventRecorder(client, component="secret-expiry-controller", clock=watched.clock)
    events.start()
    controller = SecretExpiry(client, events, watched.clock, WARNINGS, watched.ticks.sleep)
    async with at_work(controller):
        yield
    await events.close()


async def test_each_state_is_told_once_and_daily(watched: Watched, tmp_path: Path) -> None:
    config = load_config(tmp_path / "data" / "pki" / "controller-manager.kubeconfig")
    crt = ending(NOW + 31 * DAY, begin=NOW - DAY)
    async with Client(config) as client:
        client.transport = recording = Recording(config)
        async with _controller(watched, client):
            await watched.secret("crt", tls_crt=crt, tls_key=b"never to be seen")
            rotate = {"strongroom.io/rotate-after": "40d"}
            await watched.secret("due", rotate, password=b"never to be seen")
            await watched.secret("odd", {"strongroom.io/expires-at": "soon"}, password=b"x")
            watched.clock.advance((1.5 * DAY).total_seconds())
            assert await watched.told("crt", 1) == [("SecretExpiring", 1)]
            watched.clock.advance((AGAIN / 2).total_seconds())
            watched.ticks.tick()
            watched.clock.advance((AGAIN / 2).total_seconds())
            assert await watched.told("crt", 2) == [("SecretExpiring", 2)]
            watched.clock.advance((30 * DAY).total_seconds())
            assert await watched.told("crt", 3) == [("SecretExpiring", 2), ("SecretExpired", 1)]
            watched.clock.advance((10 * DAY).total_seconds())
            assert await watched.told("due", 1) == [("SecretRotationDue", 1)]
            body = {"data": {"password": "eQ=="}}
            await watched.world.client.patch(SECRETS, "due", "default", body, kind=Patch.MERGE)
            assert await watched.told("odd", 0) == []
            # What was told of the certificate is told again on its day; the renewed one is not.
            assert (await watched.told("crt", 4))[1] == ("SecretExpired", 2)
            watched.clock.advance((10 * DAY).total_seconds())
            assert (await watched.told("crt", 5))[1] == ("SecretExpired", 3)
            assert await watched.told("due", 1) == [("SecretRotationDue", 1)]
        await recording.close()
    assert b'"name":"crt"' in recording.received
    for value in (crt, b"never to be seen"):
        assert base64.b64encode(value)[:40] not in recording.received


async def test_a_new_start_does_not_tell_the_same_again(watched: Watched) -> None:
    client = watched.world.client
    end = f"{NOW - DAY:%Y-%m-%dT%H:%M:%SZ}"
    await watched.secret("old", {"strongroom.io/expires-at": end}, password=b"x")
    async with _controller(watched, client):
        assert await watched.told("old", 1) == [("SecretExpired", 1)]
    await watched.secret("marker", {"strongroom.io/expires-at": end}, password=b"x")
    async with _controller(watched, client):
        assert await watched.told("marker", 1) == [("SecretExpired", 1)]
        assert await watched.told("old", 1) == [("SecretExpired", 1)]
