"""Of several processes with controllers one works: by a Lease, as client-go settles it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from strongroom.api.clock import SystemClock
from strongroom.client.client import Client
from strongroom.client.config import ClientConfig, load_config
from strongroom.controllers.leaderelection import LeaderElection, LeadLost, Terms
from strongroom.controllers.main import main
from strongroom.resources.lease import LEASES, Lease, LeaseSpec
from strongroom.testing.clock import ManualClock
from tests.controllers.conftest import World

SOON = Terms(lease_duration=15.0, renew_deadline=0.6, retry_period=0.05)


async def lease(world: World) -> Lease:
    return await world.client.get(LEASES, SOON.name, SOON.namespace)


def nothing() -> None:
    """Nobody is told that somebody waits."""


async def test_one_works_until_it_gives_the_lease_up(world: World, tmp_path: Path) -> None:
    # With the rights that controllers have, and no others.
    config = load_config(tmp_path / "data" / "pki" / "controller-manager.kubeconfig")
    clock, waiting = ManualClock(), asyncio.Event()
    async with Client(config) as client:
        one, two = (LeaderElection(client, SOON, clock, name) for name in ("one", "two"))
        await one.hold(nothing)
        first = (await lease(world)).spec
        assert (first.holderIdentity, first.leaseDurationSeconds) == ("one", 15)
        assert (first.leaseTransitions, first.acquireTime) == (0, first.renewTime)
        waits = asyncio.create_task(two.hold(waiting.set))
        async with asyncio.timeout(30):
            await waiting.wait()
            clock.advance(1)
            assert await one._take_or_renew()
            renewed = (await lease(world)).spec
            assert renewed.acquireTime == first.acquireTime < renewed.renewTime
            assert not waits.done()
            await one.release()
            await waits
        second = (await lease(world)).spec
        assert (second.holderIdentity, second.leaseTransitions) == ("two", 1)
        # What is another's is not given up.
        await one.release()
        assert (await lease(world)).spec == second


async def test_who_says_nothing_any_more_is_succeeded(world: World) -> None:
    clock = ManualClock()
    one, two = (LeaderElection(world.client, SOON, clock, name) for name in ("one", "two"))
    await one.hold(nothing)
    assert not await two._take_or_renew()
    clock.advance(14.9)
    assert not await two._take_or_renew()
    assert await one._take_or_renew()
    clock.advance(1)
    # It has changed: its time begins anew, by the clock of who looks at it.
    assert not await two._take_or_renew()
    clock.advance(15.1)
    assert await two._take_or_renew()
    assert (await lease(world)).spec.holderIdentity == "two"
    with pytest.raises(LeadLost, match="strongroom-controllers: the lease could not be renewed"):
        await one.keep()


async def test_it_is_kept_by_renewing_it(world: World) -> None:
    # A renewal has all the time that a busy machine takes for it.
    one = LeaderElection(world.client, replace(SOON, renew_deadline=30.0), SystemClock())
    await one.hold(nothing)
    before = (await lease(world)).metadata.resourceVersion
    keeping = asyncio.create_task(one.keep())
    async with asyncio.timeout(30):
        while (await lease(world)).metadata.resourceVersion == before:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.02)
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert (await lease(world)).spec.holderIdentity == one.identity


async def test_a_server_that_cannot_be_reached_costs_the_lead() -> None:
    async with Client(ClientConfig("https://127.0.0.1:1")) as client:
        one = LeaderElection(client, SOON, ManualClock())
        one.holder, one._seen = one.identity, LeaseSpec()
        with pytest.raises(LeadLost):
            await one.keep()
        await one.release()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--leader-elect-lease-duration=10s"],
        ["--leader-elect-renew-deadline=20s"],
        ["--leader-elect-retry-period=9s"],
    ],
)
def test_spans_that_cannot_be_kept_are_refused(arguments: list[str]) -> None:
    found = CliRunner().invoke(main, ["--kubeconfig", "none", *arguments])
    assert found.exit_code == 2
    assert "--leader-elect-lease-duration must be greater than" in found.output
