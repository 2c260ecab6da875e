"""Tokens of pods, from a real server, by a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.client.client import Client
from strongroom.node.tokens import Tokens, TokenUnavailable, Wanted, wanted_by
from strongroom.resources.pod import PODS
from strongroom.resources.pod_projection import ServiceAccountTokenProjection
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from strongroom.testing.clock import ManualClock
from tests.node.cluster import Cluster
from tests.node.conftest import fresh

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
async def quiet(client: Client) -> Cluster:
    """A fresh namespace with an account; no node runs."""
    cluster = await fresh(client)
    account = ServiceAccount()
    account.metadata.name = "robot"
    await client.create(SERVICE_ACCOUNTS, account, cluster.namespace)
    return cluster


class Holder:
    """A node's tokens, and a pod whose they are."""

    def __init__(self, client: Client, wanted: Wanted) -> None:
        # The server tells whole seconds, and takes a moment: it must not seem ahead of this clock.
        self.clock = ManualClock(datetime.now(UTC) + timedelta(seconds=5))
        self.jitter = 0.0
        self.tokens = Tokens(client, clock=self.clock, jitter=lambda: self.jitter)
        self.wanted = wanted
        self.told = 0

    def tell(self, wanted: Wanted) -> None:
        assert wanted.pod_uid == self.wanted.pod_uid
        self.told += 1

    async def fetch(self, **changes: str | int) -> str:
        wanted = replace(self.wanted, **changes)  # type: ignore[arg-type]  # of its own fields
        await self.tokens.fetch(wanted, self.tell)
        return self.tokens.peek(wanted)

    async def later(self, seconds: float) -> int:
        """Let time pass and what is due be renewed; how often somebody was told."""
        self.clock.advance(seconds)
        before = self.told
        await self.tokens.renew_due()
        return self.told - before


@pytest.fixture
async def holder(quiet: Cluster, client: Client) -> AsyncIterator[Holder]:
    pod = await quiet.pod("p", "true", nodeName="elsewhere", serviceAccountName="robot")
    made = Holder(client, wanted_by(pod, ServiceAccountTokenProjection(path="token")))
    yield made
    await made.tokens.close()


async def test_one_token_for_all_that_want_the_same(holder: Holder) -> None:
    first = await holder.fetch()
    assert first.count(".") == 2
    assert await holder.fetch() == first
    assert await holder.fetch(audience="vault") != first
    assert await holder.later(0) == 0


@pytest.mark.parametrize(("seconds", "life"), [(HOUR, 0.8 * HOUR), (600, 480), (3 * DAY, DAY)])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
async def test_when_it_is_renewed(holder: Holder, seconds: int, life: float, jitter: float) -> None:
    """At four fifths of its life or after a day, up to 10 s earlier. A slow server has 20 s."""
    holder.jitter = jitter
    first = await holder.fetch(seconds=seconds)
    assert await holder.later(life - 10 * jitter - 20) == 0
    assert await holder.fetch(seconds=seconds) == first
    assert await holder.later(30) == 1
    assert await holder.fetch(seconds=seconds) != first


async def test_a_clock_that_was_set_back_cannot_tell(holder: Holder) -> None:
    first = await holder.fetch()
    assert await holder.later(-HOUR) == 1
    assert await holder.fetch() != first


async def test_a_token_that_cannot_be_renewed_serves_while_it_is_valid(
    holder: Holder, quiet: Cluster
) -> None:
    first = await holder.fetch()
    await quiet.client.delete(PODS, "p", quiet.namespace, grace_seconds=0)
    assert await holder.later(0.9 * HOUR) == 0
    assert await holder.fetch() == first
    assert await holder.later(0.2 * HOUR) == 1
    with pytest.raises(TokenUnavailable, match=r'expired and refresh failed: pods "p" not found'):
        holder.tokens.peek(holder.wanted)


async def test_no_token_at_all(holder: Holder) -> None:
    with pytest.raises(TokenUnavailable, match=r"^failed to fetch token: .* not found"):
        await holder.fetch(account="nobody")
    assert "." in await holder.fetch()
    holder.tokens.forget(holder.wanted.pod_uid)
    with pytest.raises(TokenUnavailable):
        holder.tokens.peek(holder.wanted)
    assert await holder.later(DAY) == 0


async def test_nothing_shows_a_token(holder: Holder) -> None:
    token = await holder.fetch()
    assert token not in repr(vars(holder.tokens))
