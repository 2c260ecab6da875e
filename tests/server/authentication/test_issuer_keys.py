"""Keys of a real issuer: how it is found, when it is asked again, and what it may not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from strongroom.access.authn.idtokens import KeysUnavailable
from strongroom.server import fetching, issuer_keys
from strongroom.server.certificates import make_ca
from strongroom.server.issuer_keys import RemoteKeys, Site
from strongroom.testing.clock import START, ManualClock
from tests.oidc_issuer import LocalIssuer, jwk, private_key
from tests.waiting import becomes

DISCOVERY = "/.well-known/openid-configuration"


class Place:
    """The keys, and what was told of fetching them."""

    def __init__(self, issuer: LocalIssuer, discovery: str = "", authority: str = "") -> None:
        self.clock = ManualClock()
        self.told: list[bool] = []
        self.site = Site(authority or issuer.authority)
        self.keys = RemoteKeys(
            issuer.url,
            discovery,
            self.site,
            self.clock,
            lambda key_set: self.told.append(key_set is not None),
        )

    def ids(self) -> list[str]:
        return [key.id for key in self.keys.known()]


@asynccontextmanager
async def looking(place: Place) -> AsyncIterator[Place]:
    place.keys.begin()
    try:
        yield place
    finally:
        await place.keys.close()
        await place.site.close()


async def fetched(place: Place, times: int) -> None:
    await becomes(lambda: len(place.told) >= times)


async def test_an_issuer_is_found_and_its_keys_are_fetched(issuer: LocalIssuer) -> None:
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        assert place.keys.ready()
        assert place.ids() == ["rsa"]
        assert issuer.asked == [DISCOVERY, "/keys"]


async def test_it_may_describe_itself_elsewhere(issuer: LocalIssuer) -> None:
    elsewhere = f"{issuer.url}/elsewhere{DISCOVERY}"
    async with looking(Place(issuer, elsewhere)) as place:
        await fetched(place, 1)
        assert issuer.asked == [f"/elsewhere{DISCOVERY}", "/keys"]


async def test_keys_may_have_moved(issuer: LocalIssuer) -> None:
    issuer.says["jwks_uri"] = f"{issuer.url}/moved"
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        assert place.ids() == ["rsa"]


async def test_unknown_keys_are_asked_for_now_and_then(issuer: LocalIssuer) -> None:
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        issuer.keys = [jwk(private_key("ES256"), "new")]
        # Anybody may name keys that there are not: nobody is asked for each of them.
        for _ in range(3):
            await place.keys.newest()
        assert place.told == [True]
        place.clock.advance(issuer_keys.PAUSE)
        issuer.hold.clear()
        asking = [asyncio.create_task(place.keys.newest()) for _ in range(5)]
        await becomes(lambda: len(issuer.asked) == 3)
        asking[0].cancel()
        issuer.hold.set()
        found = await asyncio.gather(*asking[1:])
        assert [[key.id for key in keys] for keys in found] == [["new"]] * 4
        assert issuer.asked.count("/keys") == 2


async def test_keys_are_kept_while_the_issuer_is_away(issuer: LocalIssuer) -> None:
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        issuer.away = True
        place.clock.advance(issuer_keys.PAUSE)
        for _ in range(2):
            with pytest.raises(KeysUnavailable, match=r'Get "https://.*/keys": status 503'):
                await place.keys.newest()
        assert place.told == [True, False]
        assert place.ids() == ["rsa"]
        issuer.away = False
        place.clock.advance(issuer_keys.PAUSE)
        assert len(await place.keys.newest()) == 1


async def test_keys_that_were_taken_back_are_forgotten_soon(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "REFRESH", 0.01)
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        issuer.keys = []
        place.clock.advance(issuer_keys.PAUSE)
        await becomes(lambda: place.ids() == [])


def _other_issuer(issuer: LocalIssuer) -> None:
    issuer.says["issuer"] = "https://other"


def _no_keys(issuer: LocalIssuer) -> None:
    issuer.says["jwks_uri"] = ""


def _away(issuer: LocalIssuer) -> None:
    issuer.away = True


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (_other_issuer, "oidc: issuer did not match the issuer returned by provider, expected"),
        (_no_keys, "provider did not return JWKS URL"),
        (_away, "status 503"),
    ],
)
async def test_an_issuer_that_is_not_found_is_looked_for_again(
    issuer: LocalIssuer,
    wrong: Callable[[LocalIssuer], None],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(issuer_keys, "RETRY", 0.01)
    wrong(issuer)
    async with looking(Place(issuer)) as place:
        await becomes(lambda: len(issuer.asked) >= 3)
        assert not place.keys.ready()
        # It is told once.
        assert [told in record.getMessage() for record in caplog.records] == [True]
        issuer.says, issuer.away = {}, False
        await fetched(place, 1)
        assert place.keys.ready()


async def test_what_is_not_fetched(issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(issuer.authority)
    issuer.others = {"/large": "x" * 3000, "/open": "told"}
    monkeypatch.setattr(fetching, "MAX_ANSWER", 2000)
    port = issuer.url.rpartition(":")[2]
    try:
        assert await site.get(f"{issuer.url}/open", "open") == b"told"
        for url, bearer, told in (
            (f"{issuer.url}/large", "", "more than 2000 bytes"),
            (f"{issuer.url}/none", "", "status 404"),
            (f"{issuer.url}/open", "canary", "status 401"),
            # A token is shown to nobody but to whom it is for.
            (f"{issuer.url}/moved", "canary", "status 302"),
            (f"http://127.0.0.1:{port}/open", "", "the scheme is not https"),
            (f"https://localhost:{port}/open", "", "tls: failed to verify certificate"),
            ("https://127.0.0.1:1/open", "", "dial tcp 127.0.0.1:1: "),
            ("https://[", "", "ValueError"),
        ):
            with pytest.raises(KeysUnavailable) as caught:
                await site.get(url, bearer)
            assert told in str(caught.value)
            assert "canary" not in str(caught.value)
    finally:
        await site.close()


async def test_an_authority_of_somebody_else(issuer: LocalIssuer) -> None:
    site = Site(make_ca(START).certificate.decode())
    try:
        with pytest.raises(KeysUnavailable, match="tls: failed to verify certificate"):
            await site.get(f"{issuer.url}/keys")
    finally:
        await site.close()
    assert issuer.asked == []


async def test_who_waits_for_keys_at_the_end_is_told(issuer: LocalIssuer) -> None:
    async with looking(Place(issuer)) as place:
        await fetched(place, 1)
        place.clock.advance(issuer_keys.PAUSE)
        issuer.hold.clear()
        asking = asyncio.create_task(place.keys.newest())
        await becomes(lambda: len(issuer.asked) == 3)
        await place.keys.close()
        with pytest.raises(KeysUnavailable, match="no longer asked"):
            await asking
