"""The issuers whose tokens are believed, as the configuration names them now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strongroom.access.authn.bearer import ForServer
from strongroom.access.authn.cache import CachedTokens
from strongroom.access.authn.configuration import AuthenticationConfiguration, Issuer
from strongroom.access.authn.configuration import JWTAuthenticator as Settings
from strongroom.access.authn.configuration_validation import Compiled
from strongroom.access.authn.distributed_claims import DistributedClaims
from strongroom.access.authn.idtokens import IDTokens, IssuerKeys
from strongroom.access.authn.jws import claimed_issuer
from strongroom.access.authn.oidc import IssuedTokens
from strongroom.access.authn.port import Authenticated, TokenAuthenticator
from strongroom.api.clock import Clock
from strongroom.server.authentication_metrics import AuthenticationMetrics
from strongroom.server.issuer_keys import RemoteKeys, Site

NEW_ISSUERS = 10.0
"""Seconds that a new configuration waits for issuers that are new in it. After them it holds in any
case: an issuer that is taken out must not be believed on because another one is away."""

_GOOGLE, _GOOGLE_SAYS = "https://accounts.google.com", "accounts.google.com"


@dataclass(frozen=True, slots=True)
class Judged:
    """A configuration without errors, with its expressions and the algorithms that it allows."""

    configuration: AuthenticationConfiguration
    compiled: Sequence[Compiled]
    algorithms: Sequence[str]


class _Place:
    """Where an issuer is and what its keys are: what stays while only the rest is configured."""

    def __init__(self, issuer: Issuer, clock: Clock, metrics: AuthenticationMetrics) -> None:
        self._clock = clock
        self._site = Site(issuer.certificateAuthority)
        self._more: list[RemoteKeys] = []
        self.keys = RemoteKeys(
            issuer.url,
            issuer.discoveryURL or "",
            self._site,
            clock,
            lambda key_set: metrics.fetched(issuer.url, key_set),
        )
        self.keys.begin()

    def keys_of(self, issuer: str) -> IssuerKeys:
        """The keys of another issuer, to whom a token of this one leads."""
        keys = RemoteKeys(issuer, "", self._site, self._clock, lambda _: None)
        keys.begin()
        self._more.append(keys)
        return keys

    async def get(self, url: str, bearer: str) -> bytes:
        return await self._site.get(url, bearer)

    async def close(self) -> None:
        """Ask nobody any more."""
        for keys in (self.keys, *self._more):
            await keys.close()
        await self._site.close()


class _Measured:
    """Counts what an authenticator says and how long it takes."""

    def __init__(
        self, inner: TokenAuthenticator, issuer: str, clock: Clock, metrics: AuthenticationMetrics
    ) -> None:
        self._inner = inner
        self._issuer = issuer
        self._clock = clock
        self._metrics = metrics

    async def authenticate_token(self, token: str) -> Authenticated | None:
        begun = self._clock.monotonic()
        good = False
        try:
            found = await self._inner.authenticate_token(token)
            good = True
        finally:
            self._metrics.judged(self._issuer, self._clock.monotonic() - begun, good=good)
        return found


@dataclass(frozen=True, slots=True)
class _Known:
    place: _Place
    tokens: CachedTokens


class Issuers:
    """Knows the tokens of all issuers. Begins to look for them when it is told of them."""

    def __init__(
        self, audiences: tuple[str, ...], clock: Clock, metrics: AuthenticationMetrics
    ) -> None:
        self._audiences = audiences
        self._clock = clock
        self._metrics = metrics
        self._known: Mapping[str, _Known] = {}
        self._places: dict[tuple[str, str, str], _Place] = {}

    async def authenticate_token(
        self, token: str, audiences: tuple[str, ...]
    ) -> Authenticated | None:
        """Whose the token is; None for one of an issuer that is not configured."""
        if not self._known:
            return None
        issuer = claimed_issuer(token)
        known = self._known.get(_GOOGLE if issuer == _GOOGLE_SAYS else issuer or "")
        if known is None:
            return None
        return await known.tokens.authenticate_token(token, audiences)

    def use(self, judged: Judged) -> None:
        """Believe these issuers from now on. Those that are new have to be found first."""
        self._known = self._made(judged)

    async def replace(self, judged: Judged) -> None:
        """Believe these issuers and no others, once those that are new have been found.

        Nothing that was answered before is remembered: rules may be others.
        """
        before, made = self._known, self._made(judged)
        looking = [asyncio.create_task(known.place.keys.found()) for known in made.values()]
        try:
            if looking:
                await asyncio.wait(looking, timeout=NEW_ISSUERS)
        finally:
            for task in looking:
                task.cancel()
        self._known = made
        await self._close_unused(before)

    async def close(self) -> None:
        """Ask nobody any more."""
        before, self._known = self._known, {}
        await self._close_unused(before)

    async def _close_unused(self, before: Mapping[str, _Known]) -> None:
        used = {id(known.place) for known in self._known.values()}
        # Who is being looked at by rules that were in force a moment ago may be let finish.
        for known in before.values():
            if id(known.place) not in used:
                await known.tokens.close()
        for key, place in list(self._places.items()):
            if id(place) not in used:
                del self._places[key]
                await place.close()
        for url in before.keys() - self._known.keys():
            self._metrics.forget(url)

    def _made(self, judged: Judged) -> dict[str, _Known]:
        settings = judged.configuration.jwt
        return {
            one.issuer.url: self._one(one, compiled, judged.algorithms)
            for one, compiled in zip(settings, judged.compiled, strict=True)
        }

    def _one(self, settings: Settings, compiled: Compiled, algorithms: Sequence[str]) -> _Known:
        issuer, clock = settings.issuer, self._clock
        place = self._place(issuer)
        groups = settings.claimMappings.groups.claim
        distributed = (
            DistributedClaims(groups, issuer.audiences, algorithms, place, clock)
            if groups
            else None
        )
        tokens = IDTokens(issuer.url, issuer.audiences, algorithms, place.keys, clock)
        issued = IssuedTokens(settings, compiled, tokens, distributed)
        measured = _Measured(issued, issuer.url, clock, self._metrics)
        return _Known(place, CachedTokens(ForServer(measured, self._audiences), clock))

    def _place(self, issuer: Issuer) -> _Place:
        key = (issuer.url, issuer.discoveryURL or "", issuer.certificateAuthority)
        if key not in self._places:
            self._places[key] = _Place(issuer, self._clock, self._metrics)
        return self._places[key]
