"""Flags and files of authentication: what goes together, what ends a start, who is let in."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from strongroom.access.authn.configuration import (
    API_VERSIONS,
    AnonymousAuthCondition,
    AnonymousAuthConfig,
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimValidationRule,
    PrefixedClaimOrExpression,
)
from strongroom.access.authn.configuration_validation import validate_configuration
from strongroom.api.configuration import read_configuration
from strongroom.server.authentication import open_paths
from strongroom.server.authentication_config import AuthenticationConfig, of_flags
from strongroom.server.options import parse_options
from strongroom.server.reloading import BadFile
from strongroom.server.token_file import follow_token_file
from strongroom.testing.clock import ManualClock

HEAD = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
OIDC = ["--oidc-issuer-url", "https://i", "--oidc-client-id", "room"]
TOGETHER = (
    "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (OIDC[:2], TOGETHER),
        (OIDC[2:], TOGETHER),
        (["--oidc-groups-claim", "g"], TOGETHER),
        (
            [*OIDC, "--authentication-config", "f"],
            "authentication-config file and oidc-* flags are mutually exclusive",
        ),
        ([*OIDC, "--oidc-signing-algs", "RS256,HS256"], 'oidc: unsupported signing alg: "HS256"'),
        ([*OIDC, "--oidc-signing-algs", "none"], 'oidc: unsupported signing alg: "none"'),
        ([*OIDC, "--oidc-required-claim", "a"], "malformed pair, expect string=string"),
        (["--anonymous-auth=maybe"], "expected true or false"),
    ],
)
def test_flags_that_do_not_go_together(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "prefix"),
    [
        ([], "https://i#"),
        (["--oidc-username-claim", "email"], ""),
        (["--oidc-username-prefix", "-"], ""),
        (["--oidc-username-prefix", "p:", "--oidc-username-claim", "email"], "p:"),
    ],
)
def test_names_of_flags_have_the_issuer_before_them(arguments: list[str], prefix: str) -> None:
    oidc = parse_options([*OIDC, *arguments]).authentication.oidc
    assert oidc is not None
    found = of_flags(oidc).jwt[0].claimMappings.username
    assert found.prefix == prefix


def test_flags_are_a_configuration() -> None:
    more = ["--oidc-groups-claim", "g", "--oidc-required-claim", "a=b=c"]
    oidc = parse_options([*OIDC, *more, "--oidc-required-claim", "d="]).authentication.oidc
    assert oidc is not None
    assert oidc.oidc_signing_algs == ("RS256",)
    found = of_flags(oidc).jwt[0]
    assert found.claimValidationRules == [
        ClaimValidationRule(claim="a", requiredValue="b=c"),
        ClaimValidationRule(claim="d"),
    ]
    assert found.claimMappings == ClaimMappings(
        username=PrefixedClaimOrExpression(claim="sub", prefix="https://i#"),
        groups=PrefixedClaimOrExpression(claim="g", prefix=""),
    )
    assert parse_options([]).authentication.oidc is None


def configured(path: Path, content: bytes, *arguments: str) -> AuthenticationConfig:
    path.write_bytes(content)
    options = parse_options(["--authentication-config", str(path), *arguments])
    return AuthenticationConfig(options, ManualClock())


@pytest.mark.parametrize(
    ("more", "arguments", "told"),
    [
        (None, [], "failed to load authentication configuration from file "),
        ({"kind": ""}, [], "Object 'Kind' is missing"),
        ({"jwt": [{}]}, [], "invalid authentication configuration: [jwt[0].issuer.url: Required"),
        (
            {"anonymous": {"enabled": True}},
            ["--anonymous-auth"],
            (
                "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is "
                "configured in authentication configuration file"
            ),
        ),
        (
            {
                "jwt": [
                    {
                        "issuer": {
                            "url": "https://kubernetes.default.svc.cluster.local",
                            "audiences": ["a"],
                        },
                        "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
                    }
                ]
            },
            [],
            (
                "URL must not overlap with disallowed issuers: "
                "[https://kubernetes.default.svc.cluster.local]"
            ),
        ),
    ],
)
def test_configurations_that_end_a_start(
    more: dict[str, Any] | None, arguments: list[str], told: str, tmp_path: Path
) -> None:
    content = b"" if more is None else json.dumps(HEAD | more).encode()
    with pytest.raises(BadFile) as caught:
        configured(tmp_path / "file", content, *arguments)
    assert told in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none"
    for arguments in (
        ["--authentication-config", str(path)],
        [*OIDC, "--oidc-ca-file", str(path)],
    ):
        with pytest.raises(BadFile, match="none: No such file or directory"):
            AuthenticationConfig(parse_options(arguments), ManualClock())
    path.write_text("no certificate")
    with pytest.raises(BadFile, match="does not contain any valid RSA or ECDSA certificates"):
        AuthenticationConfig(parse_options([*OIDC, "--oidc-ca-file", str(path)]), ManualClock())


async def test_a_token_file_that_others_may_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens"
    path.write_text("canary,jane,1\n,joe,2\n")
    path.chmod(0o644)
    async with contextlib.AsyncExitStack() as stack:
        with caplog.at_level(logging.WARNING):
            tokens = follow_token_file(path, stack)
        assert await tokens.authenticate_token("canary") is not None
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"token file {path}: line 2: an empty token, which is left out",
        f"token file {path}: others than its owner may read or write it (chmod 600)",
    ]


EVERYWHERE, NOWHERE = AnonymousAuthConfig(enabled=True), AnonymousAuthConfig()


@pytest.mark.parametrize(
    ("arguments", "configuration", "places"),
    [
        ([], None, ("/livez",)),
        (["--anonymous-auth=false"], None, ()),
        (["--anonymous-auth"], None, ("/livez", "/api")),
        (["--anonymous-auth=true", "--authorization-mode", "RBAC"], None, ("/livez", "/api")),
        # Everybody could do everything.
        (["--anonymous-auth", "--authorization-mode=AlwaysAllow"], None, ("/livez",)),
        (["--authorization-mode=AlwaysAllow"], EVERYWHERE, ("/livez",)),
        (["--authorization-mode=AlwaysAllow"], NOWHERE, ()),
        ([], NOWHERE, ()),
        ([], EVERYWHERE, ("/livez", "/api")),
    ],
)
def test_who_shows_nothing(
    arguments: list[str], configuration: AnonymousAuthConfig | None, places: tuple[str, ...]
) -> None:
    found = open_paths(parse_options(arguments), configuration)
    assert tuple(p for p in ("/livez", "/api") if found is None or p in found) == places


def test_the_example_is_a_configuration_without_errors() -> None:
    content = (
        Path(__file__).parents[3].joinpath("examples/authentication/issuers.yaml").read_bytes()
    )
    found = read_configuration(content, AuthenticationConfiguration, API_VERSIONS)
    compiled, errors = validate_configuration(found, ())
    assert errors == []
    claims = {"email": "a@example.com", "email_verified": True}
    username = compiled[0].username
    assert username is not None
    assert username.evaluate(claims) == "people:a@example.com"
    assert username.evaluate(claims | {"email_verified": False}) == ""
    assert found.anonymous == AnonymousAuthConfig(
        enabled=True,
        conditions=[AnonymousAuthCondition(path=path) for path in ("/livez", "/readyz")],
    )
