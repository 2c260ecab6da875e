"""Tokens of issuers: signatures, times, audiences, and what they make of their bearers."""

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
from strongroom.access.authn.jwks import BadKeySet, IssuerKey, read_key_set
from strongroom.access.authn.jws import ALGORITHMS
from strongroom.access.authn.oidc import IssuedTokens
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.access.user import User
from strongroom.api.configuration import read_configuration
from strongroom.testing.clock import START, ManualClock
from tests.oidc_issuer import jwk, private_key, sign

ISSUER = "https://issuer.example"
NOW = int(START.timestamp())
KINDS = {name: name if name.startswith("ES") else "RSA" for name in ALGORITHMS}


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


async def test_a_user_of_claims() -> None:
    room = Room(
        claimMappings={
            "username": {"claim": "sub", "prefix": "u:"},
            "groups": {"claim": "roles", "prefix": "g:"},
            "uid": {"claim": "id"},
        }
    )
    told = {"roles": ["a", "b"], "id": "7", "jti": "t1"}
    extra = {"authentication.kubernetes.io/credential-id": ("JTI=t1",)}
    assert await room.user(token(**told)) == User("u:jane", "7", ("g:a", "g:b"), extra)
    for roles, groups in (("a", ("g:a",)), (None, ()), ([], ()), (..., ()), ([None], ("g:",))):
        assert (await room.user(token(**told | {"roles": roles}))).groups == groups
    for more, fault in (
        ({"sub": ...}, 'parse username claims "sub": claim not present'),
        (
            {"sub": 7},
            (
                'parse username claims "sub": json: cannot unmarshal number into Go value '
                "of type string"
            ),
        ),
        ({"sub": ""}, 'parse username claims "sub": claim is empty'),
        ({"sub": None}, 'parse username claims "sub": claim is empty'),
        ({"id": ...}, 'parse uid claim "id": claim not present'),
        (
            {"id": [1]},
            'parse uid claim "id": json: cannot unmarshal array into Go value of type string',
        ),
        (
            {"roles": 1},
            (
                'parse groups claim "roles": json: cannot unmarshal number into Go value of '
                "type string"
            ),
        ),
        (
            {"roles": [1]},
            'parse groups claim "roles": json: cannot unmarshal array into Go value of type string',
        ),
        (
            {"roles": {}},
            (
                'parse groups claim "roles": json: cannot unmarshal object into Go value of '
                "type string"
            ),
        ),
    ):
        assert await room.fault(token(**told | more)) == f"oidc: {fault}"
    assert (await room.user(token(roles=[], id="7", jti=7))).extra == {}


async def test_an_address_that_is_not_verified() -> None:
    room = Room(claimMappings={"username": {"claim": "email", "prefix": ""}})
    address = {"email": "jane@example.com"}
    for verified in (True, ...):
        told = token(**address, email_verified=verified)
        assert await room.user(told) == User("jane@example.com")
    for unverified in (False, None):
        told = token(**address, email_verified=unverified)
        assert await room.fault(told) == "oidc: email not verified"
    told = await room.fault(token(**address, email_verified="true"))
    assert told == (
        "oidc: parse 'email_verified' claim: json: cannot unmarshal string into Go "
        "value of type bool"
    )


async def test_required_claims() -> None:
    room = Room(
        claimValidationRules=[{"claim": "hd", "requiredValue": "example.com"}, {"claim": "x"}]
    )
    assert await room.user(token(hd="example.com", x="")) == User("jane")
    for more, fault in (
        ({"x": ""}, "required claim hd not present in ID token"),
        (
            {"hd": "other", "x": ""},
            "required claim hd value does not match. Got = other, want = example.com",
        ),
        (
            {"hd": True, "x": ""},
            "parse claim hd: json: cannot unmarshal bool into Go value of type string",
        ),
        (
            {"hd": "example.com", "x": "1"},
            "required claim x value does not match. Got = 1, want = ",
        ),
    ):
        assert await room.fault(token(**more)) == f"oidc: {fault}"


async def test_a_user_of_expressions() -> None:
    room = Room(
        claimMappings={
            "username": {"expression": "claims.sub + '@' + claims.team"},
            "groups": {"expression": "claims.?roles.orValue([]).filter(r, r != 'x')"},
            "uid": {"expression": "claims.?id.orValue('none')"},
            "extra": [
                {"key": "example.org/team", "valueExpression": "claims.team"},
                {"key": "example.org/many", "valueExpression": "claims.?many.orValue('')"},
            ],
        },
        claimValidationRules=[
            {"expression": "claims.exp - claims.nbf <= 3600.0", "message": "lives too long"}
        ],
        userValidationRules=[
            {"expression": "!user.username.startsWith('system:')", "message": "is reserved"},
            {"expression": "user.extra['example.org/team'] != ['evil']", "message": "evil"},
        ],
    )
    told = {"team": "red", "nbf": NOW}
    extra: dict[str, tuple[str, ...]] = {"example.org/team": ("red",)}
    assert await room.user(token(**told)) == User("jane@red", "none", (), extra)
    more = {"roles": ["a", "x", "", "b"], "id": "7", "many": ["1", "", "2"], "jti": "j"}
    credential = {"authentication.kubernetes.io/credential-id": ("JTI=j",)}
    extra = credential | extra | {"example.org/many": ("1", "2")}
    assert await room.user(token(**told, **more)) == User("jane@red", "7", ("a", "b"), extra)
    name = "claims.sub + '@' + claims.team"
    for wrong, fault in (
        (
            {"team": ...},
            (
                f"error evaluating username claim expression: expression '{name}' resulted "
                f"in error: no such key: team"
            ),
        ),
        (
            {"team": 1},
            (
                f"error evaluating username claim expression: expression '{name}' resulted "
                f"in error: no such overload"
            ),
        ),
        (
            {"id": 1},
            "error evaluating uid claim expression: uid claim expression must return a string",
        ),
        (
            {"roles": [1]},
            (
                "error evaluating group claim expression: expression must return a string "
                "or a list of strings"
            ),
        ),
        (
            {"many": 1},
            (
                "error evaluating extra claim expression: claims.?many.orValue(''): "
                "expression must return a string or a list of strings"
            ),
        ),
        (
            {"exp": NOW + 3601},
            (
                "error evaluating claim validation expression: validation expression "
                "'claims.exp - claims.nbf <= 3600.0' failed: lives too long"
            ),
        ),
        (
            {"sub": "system:a"},
            (
                "error evaluating user info validation rule: validation expression "
                "'!user.username.startsWith('system:')' failed: is reserved"
            ),
        ),
        (
            {"team": "evil"},
            (
                "error evaluating user info validation rule: validation expression "
                "'user.extra['example.org/team'] != ['evil']' failed: evil"
            ),
        ),
    ):
        assert await room.fault(token(**told | wrong)) == f"oidc: {fault}"


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("claims.name", "username claim expression must return a string"),
        ("claims.empty", "empty username via CEL expression is not allowed"),
        ("claims.list", "username claim expression must return a string"),
    ],
)
async def test_names_that_are_none(expression: str, fault: str) -> None:
    room = Room(claimMappings={"username": {"expression": expression}})
    assert (await room.fault(token(name=1, empty="", list=["a"]))).endswith(fault)


@pytest.mark.parametrize("depth", [100, 900, 5000])
async def test_claims_within_claims(depth: int) -> None:
    room = Room(claimMappings={"username": {"expression": "claims.sub"}})
    nested = '{"a":' * depth + "1" + "}" * depth
    body = json.dumps(claims())[:-1] + f', "deep": {nested}}}'
    signed = sign(private_key("RSA"), body.encode(), "RS256", kid="rsa")
    if depth == 100:
        assert await room.user(signed) == User("jane")
    else:
        assert await room.fault(signed) in (
            "oidc: parse claims: nested too deeply",
            "oidc: verify token: oidc: failed to unmarshal claims",
        )


async def test_extras_that_cannot_be_found_out() -> None:
    mapping = {"key": "example.org/a", "valueExpression": "claims.a"}
    room = Room(claimMappings={"extra": [mapping]})
    told = await room.fault(token())
    assert told == "expression 'claims.a' resulted in error: no such key: a"
    room = Room(claimValidationRules=[{"expression": "claims.b == claims.a"}])
    told = await room.fault(token(b=1))
    assert told.endswith("expression 'claims.b == claims.a' resulted in error: no such key: a")


async def test_names_of_claims_that_are_no_names_of_fields() -> None:
    expression = "claims.kubernetes__dot__io.pod__dash__name + claims['a.b'] + claims.__namespace__"
    room = Room(claimMappings={"username": {"expression": expression}})
    told = {"kubernetes.io": {"pod-name": "x"}, "a.b": "y", "namespace": "z"}
    assert await room.user(token(**told)) == User("xyz")


SOURCE = "https://groups.example/jane"
OTHER = "https://groups.example"


def afar(**more: Any) -> dict[str, Any]:
    return {
        "_claim_names": {"groups": "src"},
        "_claim_sources": {"src": {"endpoint": SOURCE}},
    } | more


def distributed(**more: Any) -> Room:
    room = Room(claimMappings={"groups": {"claim": "groups", "prefix": "g:"}})
    room.elsewhere.keys[OTHER] = Keys(key_set(jwk(private_key("ES256"), "o")))
    told = claims(iss=OTHER, groups=["a"], **more)
    room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), told, "ES256", kid="o")
    return room


async def test_groups_that_are_elsewhere() -> None:
    room = distributed()
    assert (await room.user(token(**afar()))).groups == ("g:a",)
    sources = {"src": {"endpoint": SOURCE, "access_token": "open"}}
    assert (await room.user(token(**afar(_claim_sources=sources)))).groups == ("g:a",)
    assert room.elsewhere.asked == [(SOURCE, ""), (SOURCE, "open")]
    # A claim that is there is not looked for, nor one that nobody says where it is.
    unneeded: list[dict[str, Any]] = [
        afar(groups=["own"]),
        afar(_claim_names={"other": "src"}),
        afar(_claim_sources={"src": {"JWT": "a.b.c"}}),
        {"_claim_sources": {}},
    ]
    for more in unneeded:
        await room.user(token(**more))
    assert len(room.elsewhere.asked) == 2


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"_claim_names": []}, "oidc: error parsing distributed claim names"),
        ({"_claim_names": {"groups": 1}}, "oidc: error parsing distributed claim names"),
        ({"_claim_sources": ...}, "oidc: no claim sources"),
        ({"_claim_sources": []}, "oidc: could not parse claim sources"),
        ({"_claim_sources": {"src": {"endpoint": 1}}}, "oidc: could not parse claim sources"),
        (
            {"_claim_sources": {}},
            "id token _claim_names contained a source src missing in _claims_sources",
        ),
        (
            {"_claim_sources": {"src": {"endpoint": "https://a"}}},
            'while getting distributed claim "groups": Get "https://a": status 404',
        ),
    ],
)
async def test_places_that_are_none(more: dict[str, Any], fault: str) -> None:
    told = await distributed().fault(token(**afar(**more)))
    assert told == f"oidc: could not expand distributed claims: {fault}"


async def test_what_lies_elsewhere_must_hold_too() -> None:
    for more, fault in (
        (
            {"aud": "other"},
            'verify distributed claim token: oidc: expected audience "room" got ["other"]',
        ),
        ({"exp": NOW - 1}, "verify distributed claim token: oidc: token is expired"),
        (
            {"groups": ...},
            f'jwt returned by distributed claim endpoint "{SOURCE}" did not contain claim: groups',
        ),
        (
            {"iss": "https://c"},
            (
                "verifying untrusted issuer https://c failed: verifier not initialized for "
                'issuer: "https://c"'
            ),
        ),
    ):
        room = distributed()
        signed = claims(**{"iss": OTHER, "groups": ["a"]} | more)
        room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), signed, "ES256", kid="o")
        assert fault in await room.fault(token(**afar()))
    room = distributed()
    room.elsewhere.lies[SOURCE] = "no token"
    assert "malformed token" in await room.fault(token(**afar()))
    forged = claims(iss=OTHER, groups=["admins"])
    room.elsewhere.lies[SOURCE] = sign(private_key("ES256", 1), forged, "ES256", kid="o")
    assert "failed to verify id token signature" in await room.fault(token(**afar()))


async def test_the_number_of_other_issuers_is_bounded() -> None:
    room, fault = distributed(), ""
    for number in range(17):
        told = claims(iss=f"https://{number}")
        room.elsewhere.lies[SOURCE] = sign(private_key("ES256"), told, "ES256")
        fault = await room.fault(token(**afar()))
    assert fault.endswith("verifying untrusted issuer https://16 failed: too many issuers")


async def test_google_has_two_names() -> None:
    google = "https://accounts.google.com"
    keys = Keys(key_set(jwk(private_key("RSA"), "rsa")))
    tokens = IDTokens(google, ("room",), ALGORITHMS, keys, ManualClock())
    for issuer in ("accounts.google.com", google):
        assert (await tokens.verify(token(iss=issuer))).claims["sub"] == "jane"
