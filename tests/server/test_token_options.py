"""Settings of tokens: upstream's names, defaults and limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.server.options import parse_options
from strongroom.server.token_options import DEFAULT_ISSUER, TokenOptions


def parsed(*arguments: str) -> TokenOptions:
    return parse_options(arguments).tokens


def test_defaults() -> None:
    assert parsed() == TokenOptions(
        service_account_issuer=(DEFAULT_ISSUER,),
        service_account_signing_key_file=None,
        service_account_key_file=(),
        service_account_max_token_expiration=0,
        service_account_extend_token_expiration=True,
        service_account_jwks_uri="",
        service_account_lookup=True,
        api_audiences=(DEFAULT_ISSUER,),
        enable_bootstrap_token_auth=True,
    )


def test_everything_given() -> None:
    options = parsed(
        *("--service-account-issuer", "https://a", "--service-account-issuer=https://b"),
        *("--service-account-signing-key-file", "k", "--service-account-key-file", "p"),
        *("--service-account-key-file", "q", "--service-account-max-token-expiration", "24h"),
        *("--service-account-extend-token-expiration=false", "--service-account-lookup=false"),
        *("--service-account-jwks-uri", "https://b/keys"),
    )
    assert options.service_account_issuer == options.api_audiences == ("https://a", "https://b")
    assert options.service_account_key_file == (Path("p"), Path("q"))
    assert options.service_account_max_token_expiration == 24 * 3600
    assert not options.service_account_extend_token_expiration
    assert not options.service_account_lookup
    assert options.service_account_jwks_uri == "https://b/keys"
    assert parsed("--api-audiences", "x,y", "--api-audiences=z").api_audiences == ("x", "y", "z")
    assert parsed("--service-account-lookup").service_account_lookup


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--service-account-issuer", ""),
        ("--service-account-issuer", ":no url"),
        ("--service-account-jwks-uri", "http://plain"),
        ("--service-account-max-token-expiration", "59m"),
        ("--service-account-max-token-expiration", "5000000000s"),
        ("--service-account-max-token-expiration", "1"),
        ("--service-account-max-token-expiration", "x"),
        ("--service-account-lookup", "perhaps"),
    ],
)
def test_what_is_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(f"{option}={value}")
    assert caught.value.code == 2
    assert option in capsys.readouterr().err
