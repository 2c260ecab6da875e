"""Generated tokens that nobody uses are marked first and deleted a period later; no others are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strongroom.api import codec
from strongroom.client.client import Client
from strongroom.controllers import legacytokens
from strongroom.controllers.legacytokens import INTERVAL, LegacyTokenCleaner
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.legacy_tokens import (
    INVALID_SINCE_LABEL,
    LAST_USED_LABEL,
    TRACKING_NAME,
    TRACKING_NAMESPACE,
    read_day,
    write_day,
)
from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.server import duties
from strongroom.testing.clock import ManualClock
from tests.controllers.conftest import World, at_work
from tests.controllers.test_no_values import Recording
from tests.waiting import until

PERIOD = timedelta(days=365)
ALL = ("", "")
VALUE = b"aHVzaCwgYSB0b2tlbg=="


class Legacy:
    """A world in which tracking began long ago, and an account that lists Secrets.

    Its clock begins when the server's does, since Secrets are dated by the server.
    """

    def __init__(self, world: World) -> None:
        self.world, self.client = world, world.client
        self.clock = ManualClock(datetime.now(UTC))
        self.cleaner = LegacyTokenCleaner(world.client, self.clock, PERIOD)

    def day(self, days: float = 0) -> str:
        return write_day(self.clock.now() + timedelta(days=days))

    def advance(self, days: float) -> None:
        self.clock.advance(timedelta(days=days).total_seconds())

    async def tracked(self, since: str) -> None:
        await self.client.patch(
            CONFIG_MAPS, TRACKING_NAME, TRACKING_NAMESPACE, {"data": {"since": since}}
        )

    async def account(self, *secrets: str) -> ServiceAccount:
        tree = {"metadata": {"name": "robot"}, "secrets": [{"name": n} for n in secrets]}
        return await self.client.create(
            SERVICE_ACCOUNTS, codec.from_tree(tree, ServiceAccount), "default"
        )

    async def token(self, name: str, **changes: Any) -> Secret:
        made = Secret(
            type=changes.get("type", SERVICE_ACCOUNT_TOKEN), data={"token": b"hush, a token"}
        )
        made.metadata.name = name
        made.metadata.annotations["kubernetes.io/service-account.name"] = "robot"
        made.metadata.annotations |= changes.get("annotations", {})
        made.metadata.labels |= changes.get("labels", {})
        made.metadata.finalizers = changes.get("finalizers", [])
        return await self.client.create(SECRETS, made, "default")

    async def marks(self) -> dict[str, str]:
        """Each Secret that is there, and since when it is marked."""
        page = await self.client.list(SECRETS, "default")
        return {s.metadata.name: s.metadata.labels.get(INVALID_SINCE_LABEL, "") for s in page.items}

    async def turn(self) -> dict[str, str]:
        """The marks after one look."""
        await self.cleaner.reconcile(ALL)
        return await self.marks()


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not set right what tests make wrong; lists come in many pages."""
    monkeypatch.setattr(duties, "BUILTINS", 3600.0)
    monkeypatch.setattr(legacytokens, "_PAGE", 3)


@pytest.fixture
async def legacy(world: World) -> Legacy:
    return Legacy(world)


async def test_which_are_marked_and_which_go(legacy: Legacy) -> None:
    names = ["unused", "used-long-ago", "mounted", "pulled", "used", "edge", "unreadable", "short"]
    names += ["opaque", "other-uid", "other-account", "leaving", "odd-mark"]
    await legacy.tracked(legacy.day())
    robot = await legacy.account(*names)
    legacy.advance(400)
    uid = {"kubernetes.io/service-account.uid": robot.metadata.uid}
    await legacy.token("unused", annotations=uid)
    await legacy.token("used-long-ago", labels={LAST_USED_LABEL: legacy.day(-366)})
    await legacy.token("used", labels={LAST_USED_LABEL: legacy.day(-1)})
    await legacy.token("edge", labels={LAST_USED_LABEL: legacy.day(-365)})
    await legacy.token("unreadable", labels={LAST_USED_LABEL: "yesterday"})
    await legacy.token("short", labels={LAST_USED_LABEL: "2020-1-1"})
    await legacy.token("odd-mark", labels={INVALID_SINCE_LABEL: "long-ago"})
    await legacy.token("mounted")
    await legacy.token("pulled")
    await legacy.token("opaque", type="Opaque")
    await legacy.token("other-uid", annotations={"kubernetes.io/service-account.uid": "another"})
    await legacy.token("other-account", annotations={"kubernetes.io/service-account.name": "x"})
    await legacy.token("made-by-hand")
    await legacy.token("leaving", finalizers=["example.com/hold"])
    await legacy.client.delete(SECRETS, "leaving", "default")
    await legacy.world.pod(
        "p",
        volumes=[{"name": "v", "projected": {"sources": [{"secret": {"name": "mounted"}}]}}],
        imagePullSecrets=[{"name": "pulled"}],
        # Nobody runs it: a pod that waits keeps what it needs.
        nodeSelector={"no": "node"},
    )
    before = await legacy.marks()
    today, marked = legacy.day(), {"unused", "used-long-ago", "odd-mark"}
    after = await legacy.turn()
    assert {name for name, day in after.items() if day == today} == marked
    assert {n: d for n, d in after.items() if n not in marked} == {
        n: d for n, d in before.items() if n not in marked
    }
    # To the day exactly a period later nothing goes; the day after, what is still marked does.
    await legacy.client.patch(
        SECRETS, "odd-mark", "default", {"metadata": {"labels": {INVALID_SINCE_LABEL: None}}}
    )
    legacy.advance(365)
    assert "unused" in await legacy.turn()
    legacy.advance(1)
    left = await legacy.turn()
    assert "unused" not in left
    assert "used-long-ago" not in left
    # Whose mark somebody took off has another period.
    assert left["odd-mark"] == legacy.day(-1)


@pytest.mark.parametrize(
    ("since", "marked"),
    [(None, ""), ("", ""), ("a while ago", ""), ("-365", ""), ("-366", "today")],
)
async def test_nothing_is_done_before_a_period_was_tracked(
    legacy: Legacy, since: str | None, marked: str
) -> None:
    """The day on which tracking began does not count as a whole."""
    midnight = datetime.combine(legacy.clock.now().date(), datetime.min.time(), UTC)
    legacy.clock = legacy.cleaner._clock = ManualClock(midnight + timedelta(days=1000))
    if since is None:
        await legacy.client.delete(CONFIG_MAPS, TRACKING_NAME, TRACKING_NAMESPACE)
    else:
        await legacy.tracked(legacy.day(int(since)) if since.startswith("-") else since)
    await legacy.account("unused")
    await legacy.token("unused")
    assert await legacy.turn() == {"unused": legacy.day() if marked else ""}


async def test_a_new_secret_is_spared(legacy: Legacy) -> None:
    await legacy.tracked("2020-01-01")
    await legacy.account("new")
    await legacy.token("new")
    legacy.advance(364)
    assert await legacy.turn() == {"new": ""}


async def test_what_is_used_in_this_moment_is_not_deleted(legacy: Legacy) -> None:
    """The deletion is of the Secret that was judged: a label written meanwhile saves it."""
    await legacy.tracked("2020-01-01")
    await legacy.account("s")
    legacy.advance(800)
    await legacy.token("s", labels={INVALID_SINCE_LABEL: legacy.day(-366)})

    class Meanwhile(LegacyTokenCleaner):
        async def _used(self) -> Any:
            used = await super()._used()
            today = {"metadata": {"labels": {LAST_USED_LABEL: legacy.day()}}}
            await legacy.client.patch(SECRETS, "s", "default", today)
            return used

    await Meanwhile(legacy.client, legacy.clock, PERIOD).reconcile(ALL)
    assert "s" in await legacy.marks()


async def test_no_token_is_read_to_mark_and_delete_it(legacy: Legacy) -> None:
    await legacy.tracked("2020-01-01")
    await legacy.account("old", "older")
    legacy.advance(800)
    await legacy.token("old")
    await legacy.token("older", labels={INVALID_SINCE_LABEL: legacy.day(-366)})
    config = legacy.client.config
    async with Client(config) as client:
        client.transport = recording = Recording(config)
        await LegacyTokenCleaner(client, legacy.clock, PERIOD).reconcile(ALL)
        await recording.close()
    assert await legacy.marks() == {"old": legacy.day()}
    assert b"kubernetes.io/service-account.name" in recording.received
    assert VALUE not in recording.received


async def test_it_looks_once_a_day(legacy: Legacy) -> None:
    await legacy.tracked("2020-01-01")
    await legacy.account("first", "second")
    legacy.advance(800)
    await legacy.token("first")
    slept: asyncio.Queue[float] = asyncio.Queue()
    awake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.put_nowait(seconds)
        await awake.wait()
        awake.clear()

    cleaner = LegacyTokenCleaner(legacy.client, legacy.clock, PERIOD, sleep)
    async with at_work(cleaner):
        assert await slept.get() == INTERVAL.total_seconds() == 86400
        await until(legacy.marks, lambda marks: marks["first"])
        await legacy.token("second")
        awake.set()
        await slept.get()
        await until(legacy.marks, lambda marks: marks["second"])


@pytest.mark.parametrize("text", ["", "2026-1-1", "20260101", "2026-02-30", "2026-01-01\n", "٢٠٢٦"])
def test_days_are_written_in_one_form_only(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is Python's own for some
        read_day(text)
