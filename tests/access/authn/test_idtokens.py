"""Tokens of issuers: signatures, algorithms, times, audiences, keys."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.access.authn.idtokens import IDTokens
from strongroom.access.authn.jwks import BadKeySet, read_key_set
from strongroom.access.authn.jws import ALGORITHMS
from strongroom.access.user import User
from strongroom.testing.clock import ManualClock
from tests.access.authn.issued import ISSUER, NOW, Keys, Room, claims, key_set, token
from tests.oidc_issuer import jwk, private_key, sign

KINDS = {name: name if name.startswith("ES") else "RSA" for name in ALGORITHMS}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm(algorithm: str) -> None:
    room, key = Room(), private_key(KINDS[algorithm])
    room.keys.now = key_set(jwk(key, "k"))
    assert await room.user(sign(key, claims(), algorithm, kid="k")) == User("jane")
    # A token need not say which key it was, and a key may be for one algorithm alone.
    assert await room.user(sign(key, claims(), algorithm)) == User("jane")
    room.keys.now = key_set(jwk(key, "k", alg=algorithm))
    assert await room.user(sign(key, claims(), algorithm, kid="k")) == User("jane")
    # Nobody else's key will do, whatever it is called.
    other = private_key(KINDS[algorithm], 1)
    told = await room.fault(sign(other, claims(), algorithm, kid="k"))
    assert told.endswith("failed to verify id token signature")


async def test_an_algorithm_is_not_the_tokens_to_choose() -> None:
    room, key = Room(), private_key("RSA")
    for algorithm in ("none", "HS256"):
        told = await room.fault(sign(key, claims(), algorithm, kid="rsa"))
        assert f'got "{algorithm}"' in told
        assert "unsupported algorithm" in told
    room.keys.now = key_set(jwk(key, "rsa", alg="RS256"))
    told = await room.fault(sign(key, claims(), "PS256", kid="rsa"))
    assert told.endswith("failed to verify id token signature")
    room.keys.now = key_set(jwk(key, "rsa", alg="HS256"))
    assert await room.fault(token()) == told


async def test_headers_that_must_be_understood_are_not() -> None:
    headers: list[dict[str, Any]] = [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
    ]
    for header in headers:
        told = await Room().fault(sign(private_key("RSA"), claims(), "RS256", kid="rsa", **header))
        assert told == "oidc: verify token: oidc: malformed jwt: unsupported crit header"
    # Keys that a token brings along are nobody's.
    own = jwk(private_key("RSA", 1), "own")
    brought = sign(private_key("RSA", 1), claims(), "RS256", kid="own", jwk=own)
    assert (await Room().fault(brought)).endswith("failed to verify id token signature")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"iss": "https://other"},
            f'id token issued by a different provider, expected "{ISSUER}" got "https://other"',
        ),
        ({"aud": "other"}, 'expected audience "room" got ["other"]'),
        ({"aud": ["a", "b"]}, 'expected audience "room" got ["a" "b"]'),
        ({"aud": ...}, 'expected audience "room" got []'),
        ({"exp": NOW - 1}, "token is expired (Token Expiry: 2025-12-31 23:59:59 +0000 UTC)"),
        ({"exp": ...}, "token is expired (Token Expiry: 0001-01-01 00:00:00 +0000 UTC)"),
        ({"exp": 1e300, "nbf": 1e300}, "before the nbf (not before) time: out of range"),
        (
            {"nbf": NOW + 61},
            (
                "current time 2026-01-01 00:00:00 +0000 UTC before the nbf (not before) time: "
                "2026-01-01 00:01:01 +0000 UTC"
            ),
        ),
        ({"exp": "soon"}, "failed to unmarshal claims"),
        ({"aud": {"a": 1}}, "failed to unmarshal claims"),
        ({"iss": 1}, "failed to unmarshal claims"),
    ],
)
async def test_claims_that_every_token_has(more: dict[str, Any], told: str) -> None:
    room = Room()
    assert (await room.fault(token(**more))).endswith(told)
    # Keys were not even asked for.
    assert room.keys.fetched == 0


@pytest.mark.parametrize(
    "more",
    [
        {"exp": NOW},
        {"exp": NOW + 0.5},
        {"nbf": NOW + 60},
        {"aud": ["other", "room"]},
        {"nbf": None},
    ],
)
async def test_claims_that_just_do(more: dict[str, Any]) -> None:
    assert await Room().user(token(**more)) == User("jane")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "a.b",
        "a.b.c",
        "....",
        sign(private_key("RSA"), b"[]", "RS256"),
        sign(private_key("RSA"), b"\xff", "RS256"),
        sign(private_key("RSA"), b"[" * 100_000, "RS256"),
        token() + "x",
        token()[:-8] + "AAAAAAAA",
        token() + "." + token(),
        f" {token()}",
        "e30." + token().partition(".")[2],
    ],
)
async def test_what_is_no_token(bad: str) -> None:
    told = await Room().fault(bad)
    assert told.startswith("oidc: verify token: ")
    assert "canary" not in told


async def test_several_audiences() -> None:
    room = Room(("b", "a"))
    assert await room.user(token(aud=["x", "a"])) == User("jane")
    told = await room.fault(token(aud=["x"]))
    assert told == 'oidc: verify token: oidc: expected audience in ["a" "b"] got ["x"]'


async def test_keys_that_are_not_known_are_fetched() -> None:
    room = Room()
    new = private_key("ES256")
    signed = sign(new, claims(), "ES256", kid="new")
    assert (await room.fault(signed)).endswith("failed to verify id token signature")
    room.keys.later = key_set(jwk(new, "new"))
    assert await room.user(signed) == User("jane")
    assert room.keys.fetched == 2
    # What the issuer has taken back is over.
    assert (await room.fault(token())).endswith("failed to verify id token signature")
    room.keys.fault = "Get: nobody there"
    told = await room.fault(token())
    assert told == "oidc: verify token: failed to verify signature: fetching keys Get: nobody there"
    room.keys.found = False
    assert await room.fault(token()) == "oidc: authenticator not initialized"


async def test_a_token_holds_as_long_as_it_says() -> None:
    room = Room()
    found = await room.tokens.authenticate_token(token())
    assert found is not None
    assert found.expires == NOW + 60
    assert "jane" not in repr(
        await IDTokens(ISSUER, ("room",), ALGORITHMS, room.keys, room.clock).verify(token())
    )
    room.clock.advance(60.5)
    assert "token is expired" in await room.fault(token())


def test_key_sets() -> None:
    rsa, ec = jwk(private_key("RSA"), "rsa"), jwk(private_key("ES256"), "ec")
    unusable: list[dict[str, Any]] = [
        {"kty": "oct", "kid": "shared", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        rsa | {"use": "enc"},
        rsa | {"n": "AQAB"},
        rsa | {"n": ""},
        rsa | {"e": "!"},
        ec | {"crv": "P-384"},
        ec | {"crv": "secp256k1"},
        ec | {"x": ec["y"]},
        ec | {"kid": 1},
        {},
    ]
    found = key_set(*unusable, rsa, ec)
    assert [(key.id, len(key.algorithms)) for key in found] == [("rsa", 6), ("ec", 1)]
    for body in (b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": ["a"]}', b"[" * 100_000):
        with pytest.raises(BadKeySet, match="no JSON Web Key Set"):
            read_key_set(body)
    with pytest.raises(BadKeySet, match="more than 100 keys"):
        key_set(*[rsa] * 101)


async def test_google_has_two_names() -> None:
    google = "https://accounts.google.com"
    keys = Keys(key_set(jwk(private_key("RSA"), "rsa")))
    tokens = IDTokens(google, ("room",), ALGORITHMS, keys, ManualClock())
    for issuer in ("accounts.google.com", google):
        assert (await tokens.verify(token(iss=issuer))).claims["sub"] == "jane"
