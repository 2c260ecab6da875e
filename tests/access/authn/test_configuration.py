"""AuthenticationConfiguration: every rule of upstream's validation, in its words."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from strongroom.access.authn.configuration import API_VERSIONS, AuthenticationConfiguration
from strongroom.access.authn.configuration_validation import Compiled, validate_configuration
from strongroom.api.configuration import read_configuration
from strongroom.server.certificates import make_ca
from strongroom.testing.clock import START

OURS = ("https://b.example", "https://a.example")
GOOD: dict[str, Any] = {
    "issuer": {"url": "https://issuer-url", "audiences": ["audience"]},
    "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
}
EMAIL = (
    "claims.email_verified must be used in claimMappings.username.expression or "
    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when "
    "claims.email is used in claimMappings.username.expression"
)
BOTH = "claim and expression can't both be set"
NOT_FOO = (
    "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n"
    " | foo.bar\n | ^"
)
RESERVED = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"


def one(**more: Any) -> dict[str, Any]:
    """An issuer that is right but for ``more``, given by path: ``issuer__url=…``."""
    made = copy.deepcopy(GOOD)
    for path, value in more.items():
        *outer, last = path.split("__")
        at = made
        for name in outer:
            at = at.setdefault(name, {})
        at[last] = value
    return made


def judged(*issuers: dict[str, Any], **more: Any) -> tuple[list[Compiled], list[str]]:
    tree = {"apiVersion": API_VERSIONS[0], "kind": "AuthenticationConfiguration"}
    content = msgspec.json.encode(tree | {"jwt": list(issuers)} | more)
    found = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
    compiled, errors = validate_configuration(found, OURS)
    return compiled, [str(error) for error in errors]


def test_a_good_one_has_no_errors() -> None:
    assert judged(one()) == ([Compiled()], [])
    assert judged() == ([], [])


def url(**more: Any) -> dict[str, Any]:
    return one(**{f"issuer__{name}": value for name, value in more.items()})


def rules(*given: dict[str, Any]) -> dict[str, Any]:
    return one(claimValidationRules=list(given))


def mapped(**more: Any) -> dict[str, Any]:
    return one(**{f"claimMappings__{name}": value for name, value in more.items()})


def extra(key: str, expression: str = "claims.foo") -> dict[str, Any]:
    return mapped(extra=[{"key": key, "valueExpression": expression}])


CASES = [
    (url(url=""), "issuer.url: Required value"),
    (
        url(url="https://issuer-url:invalid-port"),
        (
            'issuer.url: Invalid value: "https://issuer-url:invalid-port": parse '
            '"https://issuer-url:invalid-port": invalid port ":invalid-port" after host'
        ),
    ),
    (url(url="http://i"), 'issuer.url: Invalid value: "http://i": URL scheme must be https'),
    (
        url(url="https://u:p@i"),
        'issuer.url: Invalid value: "https://u:p@i": URL must not contain a username or password',
    ),
    (
        url(url="https://i?q"),
        'issuer.url: Invalid value: "https://i?q": URL must not contain a query',
    ),
    (
        url(url="https://i#f"),
        'issuer.url: Invalid value: "https://i#f": URL must not contain a fragment',
    ),
    (
        url(url="https://a.example"),
        (
            'issuer.url: Invalid value: "https://a.example": URL must not overlap with disallowed '
            "issuers: [https://a.example https://b.example]"
        ),
    ),
    (
        url(url="https://[::1"),
        'issuer.url: Invalid value: "https://[::1": parse "https://[::1": missing \']\' in host',
    ),
    (url(discoveryURL="https://a.example"), ""),
    (url(discoveryURL=""), ""),
    (
        url(discoveryURL="https://issuer-url///"),
        (
            'issuer.discoveryURL: Invalid value: "https://issuer-url///": '
            "discoveryURL must be different "
            "from URL"
        ),
    ),
    (
        url(discoveryURL="http://d"),
        'issuer.discoveryURL: Invalid value: "http://d": URL scheme must be https',
    ),
    (
        url(audiences=[]),
        "issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
    ),
    (url(audiences=[""]), "issuer.audiences[0]: Required value"),
    (
        url(audiences=["a", "a"], audienceMatchPolicy="MatchAny"),
        'issuer.audiences[1]: Duplicate value: "a"',
    ),
    (
        url(audiences=["a", "b"]),
        (
            'issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy '
            "must be MatchAny for "
            "multiple audiences"
        ),
    ),
    (url(audiences=["a", "b"], audienceMatchPolicy="MatchAny"), ""),
    (url(audienceMatchPolicy="MatchAny"), ""),
    (
        url(audienceMatchPolicy="MatchExact"),
        (
            'issuer.audienceMatchPolicy: Invalid value: "MatchExact": '
            "audienceMatchPolicy must be empty "
            "or MatchAny for single audience"
        ),
    ),
    (
        url(certificateAuthority="invalid"),
        (
            'issuer.certificateAuthority: Invalid value: "<omitted>": data does '
            "not contain any valid "
            "RSA or ECDSA certificates"
        ),
    ),
    (url(certificateAuthority=make_ca(START).certificate.decode()), ""),
    (
        url(egressSelectorType="panda"),
        (
            'issuer.egressSelectorType: Invalid value: "panda": egress selector must be either '
            "controlplane or cluster"
        ),
    ),
    (
        url(egressSelectorType="cluster"),
        'issuer.egressSelectorType: Invalid value: "cluster": egress selectors are not supported',
    ),
    (rules({}), "claimValidationRules[0]: Required value: claim or expression is required"),
    (
        rules({"claim": "claim", "expression": "e"}),
        f'claimValidationRules[0]: Invalid value: "claim": {BOTH}',
    ),
    (
        rules({"claim": "claim", "message": "m"}),
        (
            'claimValidationRules[0].message: Invalid value: "m": may not be '
            "specified when claim is set"
        ),
    ),
    (
        rules({"expression": "claims.foo == 'bar'", "requiredValue": "v"}),
        (
            'claimValidationRules[0].requiredValue: Invalid value: "v": may not be specified when '
            "expression is set"
        ),
    ),
    (
        rules({"claim": "claim"}, {"claim": "claim"}),
        'claimValidationRules[1].claim: Duplicate value: "claim"',
    ),
    (
        rules({"expression": "claims.a == 1"}, {"expression": "claims.a == 1"}),
        'claimValidationRules[1].expression: Duplicate value: "claims.a == 1"',
    ),
    (
        rules({"expression": "foo.bar"}),
        f'claimValidationRules[0].expression: Invalid value: "foo.bar": {NOT_FOO}',
    ),
    (
        rules({"expression": "claims.foo"}),
        'claimValidationRules[0].expression: Invalid value: "claims.foo": must evaluate to bool',
    ),
    (rules({"claim": "a"}, {"claim": "b", "requiredValue": "v"}), ""),
    (
        mapped(username={}),
        "claimMappings.username: Required value: claim or expression is required",
    ),
    (
        mapped(username={"claim": "c", "expression": "claims.c"}),
        f'claimMappings.username: Invalid value: "": {BOTH}',
    ),
    (
        mapped(username={"expression": "claims.c", "prefix": "p"}),
        (
            'claimMappings.username.prefix: Invalid value: "p": may not be '
            "specified when expression is "
            "set"
        ),
    ),
    (
        mapped(username={"claim": "c"}),
        (
            "claimMappings.username.prefix: Required value: prefix is required "
            "when claim is set. It can "
            "be set to an empty string to disable prefixing"
        ),
    ),
    (
        mapped(username={"expression": "foo.bar"}),
        f'claimMappings.username.expression: Invalid value: "foo.bar": {NOT_FOO}',
    ),
    (
        mapped(groups={"claim": "c", "expression": "claims.c"}),
        f'claimMappings.groups: Invalid value: "": {BOTH}',
    ),
    (
        mapped(groups={"claim": "c"}),
        (
            "claimMappings.groups.prefix: Required value: prefix is required when "
            "claim is set. It can "
            "be set to an empty string to disable prefixing"
        ),
    ),
    (mapped(groups={"expression": "claims.c"}), ""),
    (
        mapped(uid={"claim": "c", "expression": "claims.c"}),
        f'claimMappings.uid: Invalid value: "": {BOTH}',
    ),
    (
        mapped(uid={"expression": "foo.bar"}),
        f'claimMappings.uid.expression: Invalid value: "foo.bar": {NOT_FOO}',
    ),
    (mapped(uid={"claim": "c"}), ""),
    (extra(""), "claimMappings.extra[0].key: Required value"),
    (extra("example.org/foo", ""), "claimMappings.extra[0].valueExpression: Required value"),
    (
        extra("example.org/foo", "foo.bar"),
        f'claimMappings.extra[0].valueExpression: Invalid value: "foo.bar": {NOT_FOO}',
    ),
    (
        mapped(extra=[{"key": "example.org/foo", "valueExpression": "claims.foo"}] * 2),
        'claimMappings.extra[1].key: Duplicate value: "example.org/foo"',
    ),
    (
        extra("foo"),
        (
            'claimMappings.extra[0].key: Invalid value: "foo": must be a '
            "domain-prefixed path (such as "
            '"acme.io/foo")'
        ),
    ),
    (
        extra("example.org/Foo"),
        'claimMappings.extra[0].key: Invalid value: "example.org/Foo": must be lowercase',
    ),
    (
        extra("example.org/f o"),
        (
            'claimMappings.extra[0].key: Invalid value: "f o": Invalid path '
            "(regex used for validation "
            "is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
        ),
    ),
    *(
        (
            extra(f"{domain}/foo"),
            f'claimMappings.extra[0].key: Invalid value: "{domain}/foo": {RESERVED}',
        )
        for domain in ("k8s.io", "example.k8s.io", "kubernetes.io", "example.kubernetes.io")
    ),
    (extra("notk8s.io/foo"), ""),
    (
        one(userValidationRules=[{}]),
        "userValidationRules[0].expression: Required value",
    ),
    (
        one(userValidationRules=[{"expression": "user.username == 'foo'"}] * 2),
        "userValidationRules[1].expression: Duplicate value: \"user.username == 'foo'\"",
    ),
    (
        one(userValidationRules=[{"expression": "user.username"}]),
        'userValidationRules[0].expression: Invalid value: "user.username": must evaluate to bool',
    ),
    (
        one(userValidationRules=[{"expression": "user.unknown == 'foo'"}]),
        (
            'userValidationRules[0].expression: Invalid value: "user.unknown == '
            "'foo'\": compilation "
            "failed: ERROR: <input>:1:5: undefined field 'unknown'\n | "
            "user.unknown == 'foo'\n | ....^"
        ),
    ),
    (one(userValidationRules=[{"expression": "has(user.uid) && user.groups.all(g, g != '')"}]), ""),
]


@pytest.mark.parametrize(("issuer", "told"), CASES)
def test_issuers(issuer: dict[str, Any], told: str) -> None:
    assert judged(issuer)[1] == ([f"jwt[0].{told}"] if told else [])


@pytest.mark.parametrize(
    ("expression", "more", "seen"),
    [
        ("claims.email", {}, True),
        ("claims.?email", {}, True),
        ("['yay', string(claims.email), 'panda'].join(' ')", {}, True),
        ('{"fancy": claims.?email}', {}, True),
        ('["a"].map(i, i + claims.email)', {}, True),
        ("has(claims.email) ? 'a' : 'b'", {}, True),
        ("claims.email_verified == true ? claims.email : claims.sub", {}, False),
        ("claims.?email_verified.orValue(true) == true ? claims.email : claims.sub", {}, False),
        ("claims.email", {"extra": "string(claims.email_verified)"}, False),
        ("claims.email", {"rule": "claims.?email_verified.orValue(true) == true"}, False),
        ("claims.email", {"rule": "claims.other == true"}, True),
        ("claims['email']", {}, False),
        ("claims.mail", {}, False),
    ],
)
def test_an_address_must_be_verified(expression: str, more: dict[str, str], seen: bool) -> None:
    issuer = mapped(username={"expression": expression})
    if "extra" in more:
        found = {"key": "example.org/verified", "valueExpression": more["extra"]}
        issuer["claimMappings"]["extra"] = [found]
    if "rule" in more:
        issuer["claimValidationRules"] = [{"expression": more["rule"]}]
    errors = judged(issuer)[1]
    assert [error.endswith(EMAIL) for error in errors] == [True] * seen


def test_several_issuers() -> None:
    place = "https://d/.well-known/openid-configuration"
    other = url(url="https://other", discoveryURL=place)
    assert judged(one(), one())[1] == ['jwt[1].issuer.url: Duplicate value: "https://issuer-url"']
    assert judged(url(discoveryURL=place), other)[1] == [
        f'jwt[1].issuer.discoveryURL: Duplicate value: "{place}"'
    ]
    assert judged(*[one()] * 65)[1] == ["jwt: Too many: 65: must have at most 64 items"]


def test_nobody_is_let_in_nowhere() -> None:
    for anonymous, errors in (
        ({"enabled": True, "conditions": [{"path": "/livez"}]}, []),
        ({"enabled": True}, []),
        ({"enabled": False}, []),
        (
            {"enabled": False, "conditions": [{"path": "/livez"}]},
            [
                (
                    'anonymous.conditions: Invalid value: [{"path":"/livez"}]: enabled '
                    "should be set "
                    "to true when conditions are defined"
                )
            ],
        ),
    ):
        assert judged(anonymous=anonymous)[1] == errors
