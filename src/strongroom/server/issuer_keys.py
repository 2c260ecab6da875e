"""The keys of issuers of tokens: found by OIDC discovery, fetched, and fetched again.

All of it happens in the background: a server starts without its issuers, which may well be pods of
the cluster that it serves. Until an issuer has been found its tokens are refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from strongroom.access.authn.idtokens import KeysUnavailable
from strongroom.access.authn.jwks import BadKeySet, IssuerKey, read_key_set
from strongroom.api.clock import Clock
from strongroom.api.gotext import quote
from strongroom.telemetry import log

if TYPE_CHECKING:
    from strongroom.server.fetching import Fetcher

logger = logging.getLogger("strongroom.server.issuers")

RETRY = 10.0
"""Seconds between two attempts to find an issuer, as upstream."""

REFRESH = 300.0
"""Seconds after which keys are fetched again: so soon a key that an issuer took back is unknown.
Upstream never forgets one while all tokens are signed by keys that it knows."""

PAUSE = 10.0
"""Seconds between two fetches because of unknown keys, of which anybody can name as many as he
likes."""

WELL_KNOWN = "/.well-known/openid-configuration"

Fetched = Callable[[bytes | None], None]
"""Is told of every key set that was fetched, and of every failure (None)."""


class _Provider(msgspec.Struct):
    issuer: str = ""
    jwks_uri: str = ""


_provider = msgspec.json.Decoder(_Provider)


class Site:
    """The way to one issuer, and to whom it names. The HTTP client is made when it is first used.

    What is closed stays closed.
    """

    def __init__(self, authorities: str) -> None:
        self._authorities = authorities
        self._fetcher: Fetcher | None = None
        self._closed = False

    async def get(self, url: str, bearer: str = "") -> bytes:
        """What lies at an address. Raises KeysUnavailable."""
        if self._fetcher is None:
            # Importing takes a tenth of a second, in which the server is to answer others.
            fetching = await asyncio.to_thread(_import_client)
            if self._closed:
                raise KeysUnavailable("the server ends")
            if self._fetcher is None:
                self._fetcher = fetching(self._authorities)
        return await self._fetcher.get(url, bearer)

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        if self._fetcher is not None:
            await self._fetcher.close()


def _import_client() -> type[Fetcher]:
    from strongroom.server.fetching import Fetcher

    return Fetcher


class RemoteKeys:
    """The keys of one issuer, from ``begin`` until ``close``."""

    def __init__(
        self, issuer: str, discovery: str, site: Site, clock: Clock, fetched: Fetched
    ) -> None:
        """``discovery`` is where the issuer describes itself; "" is the usual place below it."""
        self._issuer = issuer
        self._discovery = discovery or issuer.removesuffix("/") + WELL_KNOWN
        self._site = site
        self._clock = clock
        self._fetched = fetched
        self._url = ""
        self._keys: tuple[IssuerKey, ...] = ()
        self._fault = ""
        self._next = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._found = asyncio.Event()

    def begin(self) -> None:
        """Look for the issuer, and after its keys, until ``close``."""
        self._looking = asyncio.create_task(self._look_after())

    async def close(self) -> None:
        """End what is under way."""
        tasks = [task for task in (self._looking, self._fetching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ready(self) -> bool:
        return self._found.is_set()

    async def found(self) -> None:
        """Wait until the issuer has been found."""
        await self._found.wait()

    def known(self) -> Sequence[IssuerKey]:
        return self._keys

    async def newest(self) -> Sequence[IssuerKey]:
        """The keys as of now, for all who ask meanwhile, unless they were fetched a moment ago."""
        if self._fetching is None:
            if self._clock.monotonic() < self._next:
                if self._fault:
                    raise KeysUnavailable(self._fault)
                return self._keys
            self._fetching = asyncio.create_task(self._fetch())
        fetching = self._fetching
        # Whoever asked first may hang up: the others still want the answer.
        await asyncio.wait([fetching])
        if fetching.cancelled():
            raise KeysUnavailable("the issuer is no longer asked")
        fetching.result()
        if self._fault:
            raise KeysUnavailable(self._fault)
        return self._keys

    async def _look_after(self) -> None:
        told = ""
        while not self._url:
            try:
                self._url = await self._discover()
            except KeysUnavailable as error:
                if told != str(error):
                    told = str(error)
                    log(logger, logging.ERROR, f"an issuer is not found: {told}")
                await asyncio.sleep(RETRY)
        self._found.set()
        while True:
            # Keys that cannot be fetched now may be when the first token comes.
            try:
                await self.newest()
            except KeysUnavailable as error:
                log(logger, logging.ERROR, f"the keys of an issuer are not fetched: {error}")
            await asyncio.sleep(REFRESH)

    async def _discover(self) -> str:
        """Where the keys are. Raises KeysUnavailable."""
        body = await self._site.get(self._discovery)
        try:
            told = _provider.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise KeysUnavailable(
                f"Get {quote(self._discovery)}: the answer is no discovery document"
            ) from None
        if told.issuer != self._issuer:
            raise KeysUnavailable(
                "oidc: issuer did not match the issuer returned by provider, "
                f"expected {quote(self._issuer)} got {quote(told.issuer)}"
            )
        if not told.jwks_uri:
            raise KeysUnavailable("provider did not return JWKS URL")
        return told.jwks_uri

    async def _fetch(self) -> None:
        try:
            body = await self._site.get(self._url)
            self._keys, self._fault = read_key_set(body), ""
            self._fetched(body)
        except (KeysUnavailable, BadKeySet) as error:
            # What was known stays known: its tokens hold while the issuer is away.
            self._fault = str(error)
            self._fetched(None)
        finally:
            self._next = self._clock.monotonic() + PAUSE
            self._fetching = None
