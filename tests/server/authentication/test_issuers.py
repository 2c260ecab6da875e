"""Several real issuers in one configuration, and what stays when it changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from strongroom.access.authn.configuration import API_VERSIONS, AuthenticationConfiguration
from strongroom.access.authn.configuration_validation import validate_configuration
from strongroom.access.authn.jws import ALGORITHMS
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.api.clock import SystemClock
from strongroom.api.configuration import read_configuration
from strongroom.server import issuers as module
from strongroom.server.authentication_metrics import AuthenticationMetrics, hashed
from strongroom.server.issuers import Issuers, Judged
from tests.oidc_issuer import LocalIssuer, issuing, private_key, sign
from tests.waiting import until

SERVER = ("server",)


def judged(*issuers: LocalIssuer, prefix: str = "", **more: Any) -> Judged:
    """A configuration of these issuers."""
    jwt = [
        {
            "issuer": {
                "url": issuer.url,
                "certificateAuthority": issuer.authority,
                "audiences": ["room"],
            },
            "claimMappings": {
                "username": {"claim": "sub", "prefix": prefix},
                "groups": {"claim": "groups", "prefix": ""},
            },
        }
        | more
        for issuer in issuers
    ]
    tree = {"apiVersion": API_VERSIONS[0], "kind": "AuthenticationConfiguration", "jwt": jwt}
    content = json.dumps(tree).encode()
    found = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
    compiled, errors = validate_configuration(found, ())
    assert errors == []
    return Judged(found, compiled, ALGORITHMS)


class Room:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        metrics = AuthenticationMetrics(SystemClock(), "this server")
        metrics.attach(self.registry)
        self.issuers = Issuers(SERVER, SystemClock(), metrics)

    async def name(self, token: str) -> str:
        """Who that is, or why it is nobody; "" when no issuer is responsible."""
        try:
            found = await self.issuers.authenticate_token(token, SERVER)
        except AuthenticationFailed as error:
            return f"! {error}"
        return found.user.name if found else ""

    async def groups(self, token: str) -> tuple[str, ...]:
        try:
            found = await self.issuers.authenticate_token(token, SERVER)
        except AuthenticationFailed:
            return ()
        return found.user.groups if found else ()

    def counted(self, result: str, issuer: LocalIssuer) -> float:
        labels = {"result": result, "jwt_issuer_hash": hashed(issuer.url)}
        name = "apiserver_authentication_jwt_authenticator_latency_seconds_count"
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def believing(first: Judged) -> AsyncIterator[Room]:
    room = Room()
    room.issuers.use(first)
    try:
        yield room
    finally:
        await room.issuers.close()


def believed(name: str) -> bool:
    return not name.startswith("!")


async def test_every_issuer_speaks_for_itself(issuer: LocalIssuer) -> None:
    async with issuing() as other, believing(judged(issuer, other)) as room:
        for one in (issuer, other):
            assert await until(partial(room.name, one.token()), believed) == "jane"
        # One issuer's token in another's name is nobody's, though both have the same key.
        other.keys = []
        forged = sign(private_key("ES256"), issuer.claims(iss=other.url), "ES256", kid="rsa")
        assert (await room.name(forged)).endswith("failed to verify id token signature")
        assert await room.name(issuer.token(iss="https://third")) == ""
        assert await room.name("no token") == ""
        # Meant for the server: who asks on behalf of others is told nothing.
        token = issuer.token()
        assert await room.issuers.authenticate_token(token, ("others",)) is None


async def test_answers_are_kept_until_the_configuration_changes(issuer: LocalIssuer) -> None:
    async with believing(judged(issuer)) as room:
        token = issuer.token()
        await until(lambda: room.name(token), believed)
        before = room.counted("success", issuer)
        assert await room.name(token) == "jane"
        assert room.counted("success", issuer) == before == 1
        asked = len(issuer.asked)
        await room.issuers.replace(judged(issuer, prefix="new:"))
        assert await room.name(token) == "new:jane"
        # Only rules are others: the issuer was not looked for again.
        assert len(issuer.asked) == asked
        rules = [{"claim": "sub", "requiredValue": "joe"}]
        await room.issuers.replace(judged(issuer, claimValidationRules=rules))
        assert "required claim sub value does not match" in await room.name(token)
        assert room.counted("failure", issuer) >= 1
        await room.issuers.replace(judged())
        assert await room.name(token) == ""


async def test_an_issuer_that_is_away_keeps_nobody_in(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEW_ISSUERS", 0.05)
    async with issuing() as other, believing(judged(issuer)) as room:
        token = issuer.token()
        assert await until(lambda: room.name(token), believed) == "jane"
        other.away = True
        await room.issuers.replace(judged(other))
        assert await room.name(token) == ""
        assert await room.name(other.token()) == "! oidc: authenticator not initialized"


async def test_a_new_issuer_is_found_before_the_configuration_holds(issuer: LocalIssuer) -> None:
    async with issuing() as other, believing(judged(issuer)) as room:
        await room.issuers.replace(judged(issuer, other))
        assert await room.name(other.token()) == "jane"


async def test_groups_that_lie_at_another_issuer(issuer: LocalIssuer) -> None:
    source = {"endpoint": f"{issuer.url}/groups", "access_token": "open"}
    afar = {"_claim_names": {"groups": "g"}, "_claim_sources": {"g": source}}
    async with believing(judged(issuer)) as room:
        issuer.others["/groups"] = issuer.token(groups=["a", "b"])
        # The first looks for the other issuer, here the same one; later ones find it.
        found = await until(lambda: room.groups(issuer.token(**afar)))
        assert found == ("a", "b")
        source["access_token"] = "wrong"
        told = await room.name(issuer.token(**afar))
        assert told.startswith("! oidc: could not expand distributed claims: while getting")
        assert told.endswith("status 401")
