"""Answers about tokens that are kept: how long, for whom, and what never is."""

from __future__ import annotations

import asyncio

import pytest

from strongroom.access.authn.cache import CachedTokens
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.user import User
from strongroom.testing.clock import ManualClock

SERVER = ("server",)


class Asked:
    """Answers by the token, counts how often it was asked, and waits while it is held up."""

    def __init__(self) -> None:
        self.count = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.expires = float("inf")
        self.fault: Exception | None = None

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        self.count += 1
        self.begun.set()
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        if token == "bad":
            raise AuthenticationFailed("bad token", {"why": "bad"})
        if token == "foreign":
            return None
        return Authenticated(User(token), audiences, expires=self.expires)


async def test_an_answer_is_out_of_date_by_ten_seconds_at_most() -> None:
    inner, clock = Asked(), ManualClock()
    tokens = CachedTokens(inner, clock)
    for seconds, asked in ((0, 1), (9.9, 1), (0.2, 2), (9.9, 2)):
        clock.advance(seconds)
        found = await tokens.authenticate_token("jane", SERVER)
        assert found is not None
        assert found.user.name == "jane"
        assert inner.count == asked


async def test_an_answer_does_not_outlive_its_token() -> None:
    inner, clock = Asked(), ManualClock()
    inner.expires = clock.now().timestamp() + 3
    tokens = CachedTokens(inner, clock)
    await tokens.authenticate_token("jane", SERVER)
    clock.advance(2.9)
    await tokens.authenticate_token("jane", SERVER)
    assert inner.count == 1
    clock.advance(0.2)
    await tokens.authenticate_token("jane", SERVER)
    assert inner.count == 2
    # One that is over already is never kept.
    await tokens.authenticate_token("jane", SERVER)
    assert inner.count == 3


@pytest.mark.parametrize(("failure", "asked"), [(0.0, 2), (5.0, 1)])
async def test_failures_are_kept_only_where_that_is_wanted(failure: float, asked: int) -> None:
    inner, clock = Asked(), ManualClock()
    tokens = CachedTokens(inner, clock, failure=failure)
    for token in ("bad", "foreign"):
        inner.count = 0
        for _ in range(2):
            if token == "foreign":
                assert await tokens.authenticate_token(token, SERVER) is None
                continue
            with pytest.raises(AuthenticationFailed, match="bad token") as caught:
                await tokens.authenticate_token(token, SERVER)
            assert caught.value.annotations == {"why": "bad"}
        assert inner.count == asked
    clock.advance(5.1)
    assert await tokens.authenticate_token("foreign", SERVER) is None
    assert inner.count == asked + 1


async def test_what_is_no_answer_is_not_kept() -> None:
    inner = Asked()
    tokens = CachedTokens(inner, ManualClock(), failure=60)
    inner.fault = OSError("nobody there")
    with pytest.raises(OSError, match="nobody there"):
        await tokens.authenticate_token("jane", SERVER)
    inner.fault = None
    assert await tokens.authenticate_token("jane", SERVER) is not None


async def test_other_audiences_are_another_question() -> None:
    inner = Asked()
    tokens = CachedTokens(inner, ManualClock())
    for audiences in (("a", "b"), ("ab",), ("a", "", "b"), ("a", "b")):
        found = await tokens.authenticate_token("jane", audiences)
        assert found is not None
        assert found.audiences == audiences
    assert inner.count == 3


async def test_who_asks_meanwhile_waits_for_the_same_answer() -> None:
    inner = Asked()
    inner.go.clear()
    tokens = CachedTokens(inner, ManualClock())
    asking = [asyncio.create_task(tokens.authenticate_token("jane", SERVER)) for _ in range(5)]
    await inner.begun.wait()
    asking[0].cancel()
    await asyncio.gather(asking[0], return_exceptions=True)
    inner.go.set()
    found = await asyncio.gather(*asking[1:])
    assert [f is not None and f.user.name for f in found] == ["jane"] * 4
    assert inner.count == 1


async def test_who_waits_when_it_is_closed_is_told() -> None:
    inner = Asked()
    inner.go.clear()
    tokens = CachedTokens(inner, ManualClock())
    asking = asyncio.create_task(tokens.authenticate_token("jane", SERVER))
    await inner.begun.wait()
    await tokens.close()
    with pytest.raises(AuthenticationFailed, match="no longer asked"):
        await asking


async def test_it_is_bounded_and_has_no_token_in_it() -> None:
    inner, clock = Asked(), ManualClock()
    tokens = CachedTokens(inner, clock, keep=2)
    for name in ("token-1", "token-2", "token-3", "token-3", "token-2"):
        await tokens.authenticate_token(name, SERVER)
    assert inner.count == 3
    await tokens.authenticate_token("token-1", SERVER)
    assert inner.count == 4
    kept = tokens._kept
    assert len(kept) == 2
    assert not any(b"token" in key for key in kept)
    # The same token has another key in another process.
    other = CachedTokens(inner, clock)
    await other.authenticate_token("token-1", SERVER)
    assert not kept.keys() & other._kept.keys()
