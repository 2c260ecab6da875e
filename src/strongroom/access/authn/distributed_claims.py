"""Groups that a token does not have but says where they are (OpenID Connect Core 1.0, 5.6.2).

The token, which has been verified by then, names an address; there lies another token, whose own
issuer has signed it for one of the same audiences, and which has the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from strongroom.access.authn.idtokens import IDToken, IDTokens, IssuerKeys, KeysUnavailable
from strongroom.access.authn.jws import claimed_issuer
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.api.clock import Clock
from strongroom.api.gotext import quote

MOST_ISSUERS = 16
"""Further issuers whose keys are kept; a token that names another one after them is refused."""


class Elsewhere(Protocol):
    """The way to other addresses, as the issuer that names them is reached."""

    def keys_of(self, issuer: str) -> IssuerKeys:
        """The keys of an issuer, which are looked for from now on."""
        ...

    async def get(self, url: str, bearer: str) -> bytes:
        """What lies at an address; "" shows no token. Raises KeysUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class _Source:
    url: str
    bearer: str = field(repr=False)


class DistributedClaims:
    """Completes tokens by a claim that lies elsewhere."""

    def __init__(
        self,
        claim: str,
        audiences: Sequence[str],
        algorithms: Sequence[str],
        elsewhere: Elsewhere,
        clock: Clock,
    ) -> None:
        self._claim = claim
        self._audiences = audiences
        self._algorithms = algorithms
        self._elsewhere = elsewhere
        self._clock = clock
        self._issuers: dict[str, IDTokens] = {}

    async def complete(self, token: IDToken) -> None:
        """Put the claim among the token's own, if it is elsewhere. Raises AuthenticationFailed."""
        source = _source(token.claims, self._claim)
        if source is not None:
            token.claims[self._claim] = await self._fetch(source)

    async def _fetch(self, source: _Source) -> Any:
        claim = self._claim
        try:
            other = (await self._elsewhere.get(source.url, source.bearer)).decode().strip()
        except (KeysUnavailable, UnicodeDecodeError) as error:
            why = error if isinstance(error, KeysUnavailable) else "not a token"
            raise AuthenticationFailed(
                f"while getting distributed claim {quote(claim)}: {why}"
            ) from None
        issuer = claimed_issuer(other)
        if not issuer:
            raise AuthenticationFailed(
                f"getting untrusted issuer from endpoint {source.url} failed for claim "
                f"{quote(claim)}: malformed token"
            )
        verifier = self._verifier(issuer)
        if not verifier.ready():
            raise AuthenticationFailed(
                f"verifying untrusted issuer {issuer} failed: verifier not initialized for issuer: "
                f"{quote(issuer)}"
            )
        try:
            found = await verifier.verify(other)
        except AuthenticationFailed as error:
            raise AuthenticationFailed(f"verify distributed claim token: {error}") from None
        if claim not in found.claims:
            raise AuthenticationFailed(
                f"jwt returned by distributed claim endpoint {quote(source.url)} did not contain "
                f"claim: {claim}"
            )
        return found.claims[claim]

    def _verifier(self, issuer: str) -> IDTokens:
        known = self._issuers.get(issuer)
        if known is None:
            if len(self._issuers) >= MOST_ISSUERS:
                raise AuthenticationFailed(
                    f"verifying untrusted issuer {issuer} failed: too many issuers"
                )
            keys = self._elsewhere.keys_of(issuer)
            known = self._issuers[issuer] = IDTokens(
                issuer, self._audiences, self._algorithms, keys, self._clock
            )
        return known


def _source(claims: dict[str, Any], claim: str) -> _Source | None:
    """Where a claim is; None if it is there already, or nowhere. Raises AuthenticationFailed."""
    if claim in claims or "_claim_names" not in claims:
        return None
    names = claims["_claim_names"]
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise AuthenticationFailed("oidc: error parsing distributed claim names")
    if "_claim_sources" not in claims:
        raise AuthenticationFailed("oidc: no claim sources")
    sources = claims["_claim_sources"]
    if not isinstance(sources, dict) or not all(isinstance(s, dict) for s in sources.values()):
        raise AuthenticationFailed("oidc: could not parse claim sources")
    if claim not in names:
        return None
    if names[claim] not in sources:
        raise AuthenticationFailed(
            f"id token _claim_names contained a source {names[claim]} missing in _claims_sources"
        )
    told = sources[names[claim]]
    url, bearer = told.get("endpoint", ""), told.get("access_token", "")
    if not isinstance(url, str) or not isinstance(bearer, str):
        raise AuthenticationFailed("oidc: could not parse claim sources")
    return _Source(url, bearer) if url else None
