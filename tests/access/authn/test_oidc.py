"""What the tokens of an issuer make of their bearers."""

from __future__ import annotations

import json

import pytest

from strongroom.access.user import User
from tests.access.authn.issued import NOW, Room, claims, token
from tests.oidc_issuer import private_key, sign


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
