"""An authenticator for one issuer whose keys and other places a test sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from strongroom.access.authn.configuration import API_VERSIONS, AuthenticationConfiguration
from strongroom.access.authn.configuration_validation import validate_configuration
from strongroom.access.authn.distributed_claims import DistributedClaims
from strongroom.access.authn.idtokens import IDTokens, IssuerKeys, KeysUnavailable
from strongroom.access.authn.jwks import IssuerKey, read_key_set
from strongroom.access.authn.jws import ALGORITHMS
from strongroom.access.authn.oidc import IssuedTokens
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.access.user import User
from strongroom.api.configuration import read_configuration
from strongroom.testing.clock import START, ManualClock
from tests.oidc_issuer import jwk, private_key, sign

ISSUER = "https://issuer.example"


NOW = int(START.timestamp())


def key_set(*keys: dict[str, Any]) -> tuple[IssuerKey, ...]:
    return read_key_set(json.dumps({"keys": keys}).encode())


@dataclass
class Keys:
    """Keys that a test changes."""

    now: Sequence[IssuerKey] = ()
    later: Sequence[IssuerKey] | None = None
    found: bool = True
    fault: str = ""
    fetched: int = 0

    def ready(self) -> bool:
        return self.found

    def known(self) -> Sequence[IssuerKey]:
        return self.now

    async def newest(self) -> Sequence[IssuerKey]:
        self.fetched += 1
        if self.fault:
            raise KeysUnavailable(self.fault)
        self.now = self.now if self.later is None else self.later
        return self.now


@dataclass
class Elsewhere:
    """What lies at other addresses, and whose keys are known."""

    lies: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Keys] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def keys_of(self, issuer: str) -> IssuerKeys:
        return self.keys.get(issuer, Keys(found=False))

    async def get(self, url: str, bearer: str) -> bytes:
        self.asked.append((url, bearer))
        if url not in self.lies:
            raise KeysUnavailable(f'Get "{url}": status 404')
        return self.lies[url].encode()


class Room:
    """An authenticator for one issuer, with a clock and keys."""

    def __init__(self, audiences: tuple[str, ...] = ("room",), **more: Any) -> None:
        self.clock = ManualClock()
        self.keys = Keys(key_set(jwk(private_key("RSA"), "rsa")))
        self.elsewhere = Elsewhere()
        settings: dict[str, Any] = {
            "issuer": {
                "url": ISSUER,
                "audiences": list(audiences),
                "audienceMatchPolicy": "MatchAny",
            },
            "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
        }
        settings["claimMappings"] |= more.pop("claimMappings", {})
        tree = {"apiVersion": API_VERSIONS[0], "kind": "AuthenticationConfiguration"}
        content = msgspec.json.encode(tree | {"jwt": [settings | more]})
        found = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
        compiled, errors = validate_configuration(found, ())
        assert errors == []
        tokens = IDTokens(ISSUER, audiences, ALGORITHMS, self.keys, self.clock)
        claim = found.jwt[0].claimMappings.groups.claim
        distributed = (
            DistributedClaims(claim, audiences, ALGORITHMS, self.elsewhere, self.clock)
            if claim
            else None
        )
        self.tokens = IssuedTokens(found.jwt[0], compiled[0], tokens, distributed)

    async def user(self, token: str) -> User:
        found = await self.tokens.authenticate_token(token)
        assert found is not None
        return found.user

    async def fault(self, token: str) -> str:
        with pytest.raises(AuthenticationFailed) as caught:
            await self.tokens.authenticate_token(token)
        return str(caught.value)


def claims(**more: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "aud": "room", "sub": "jane", "exp": NOW + 60} | more
    return {name: value for name, value in told.items() if value is not ...}


def token(**more: Any) -> str:
    return sign(private_key("RSA"), claims(**more), "RS256", kid="rsa")
