"""Growing delays, and the retry of lost races."""

from __future__ import annotations

import pytest

from strongroom.api.errors import GroupResource, StatusError, conflict, not_found
from strongroom.client.backoff import Backoff, retry_on_conflict

SECRETS = GroupResource("", "secrets")


def test_delays_double_up_to_the_limit_and_start_over() -> None:
    backoff = Backoff(1.0, 5.0, jitter=0.0)
    assert [backoff.next() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]
    backoff.reset()
    assert backoff.next() == 1.0


def test_jitter_only_lengthens() -> None:
    backoff = Backoff(1.0, 5.0, jitter=0.5, random=lambda: 1.0)
    assert backoff.next() == 1.5


def test_days_of_failures_do_not_overflow() -> None:
    backoff = Backoff(1.0, 5.0, jitter=0.0)
    assert {backoff.next() for _ in range(5000)} == {1.0, 2.0, 4.0, 5.0}


async def test_a_lost_race_is_run_again() -> None:
    tries = []

    async def attempt() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise conflict(SECRETS, "x")
        return "done"

    assert await retry_on_conflict(attempt) == "done"
    assert len(tries) == 3


async def test_the_last_conflict_is_raised() -> None:
    async def attempt() -> None:
        raise conflict(SECRETS, "x")

    with pytest.raises(StatusError, match="has been modified"):
        await retry_on_conflict(attempt, tries=2)


async def test_other_failures_are_not_retried() -> None:
    tries = []

    async def attempt() -> None:
        tries.append(1)
        raise not_found(SECRETS, "x")

    with pytest.raises(StatusError):
        await retry_on_conflict(attempt)
    assert len(tries) == 1
