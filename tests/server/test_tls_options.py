"""The settings of TLS and of proxies, in upstream's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.access.authn.requestheader import ProxyHeaders
from strongroom.server.options import parse_options
from strongroom.server.serving import tls_context
from strongroom.server.tls_options import TLSOptions


def options(*arguments: str) -> TLSOptions:
    return parse_options(arguments).tls


def ciphers(*arguments: str) -> set[str]:
    """The suites below TLS 1.3 that a server with these settings speaks."""
    found = options(*arguments)
    context = tls_context(found.tls_min_version, found.tls_cipher_suites)
    return {c["name"] for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"}


def test_by_default_everything_is_forward_secret_and_authenticated() -> None:
    found = ciphers()
    assert found
    for name in found:
        assert name.startswith("ECDHE-"), name
        assert "GCM" in name or "CHACHA20-POLY1305" in name, name


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256",
            {"ECDHE-RSA-AES128-GCM-SHA256"},
        ),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", {"ECDHE-ECDSA-CHACHA20-POLY1305"}),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", {"ECDHE-ECDSA-AES256-SHA"}),
    ],
)
def test_suites_have_go_s_names(given: str, expected: set[str]) -> None:
    assert ciphers("--tls-cipher-suites", given) == expected


def test_only_suites_of_tls_1_3_leave_no_older_version() -> None:
    found = options("--tls-cipher-suites", "TLS_AES_256_GCM_SHA384")
    context = tls_context(found.tls_min_version, found.tls_cipher_suites)
    assert context.minimum_version.name == "TLSv1_3"


def test_versions() -> None:
    names = [
        tls_context(o.tls_min_version).minimum_version.name
        for o in (options(), options("--tls-min-version", "VersionTLS13"))
    ]
    assert names == ["TLSv1_2", "TLSv1_3"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--tls-min-version", "VersionTLS14"], 'unknown tls version "VersionTLS14"'),
        (["--tls-min-version", "VersionTLS11"], 'tls version "VersionTLS11" is insecure'),
        (["--tls-cipher-suites", "ROT13"], "Cipher suite ROT13 not supported or doesn't exist"),
        (
            ["--tls-cipher-suites", "TLS_RSA_WITH_RC4_128_SHA"],
            "Cipher suite TLS_RSA_WITH_RC4_128_SHA is insecure",
        ),
        (["--tls-cipher-suites", ""], "Cipher suite  not supported or doesn't exist"),
        (
            ["--requestheader-username-headers", "X-Remote-User, "],
            'empty value in "requestheader-username-headers"',
        ),
        (["--requestheader-uid-headers", "X-Id"], "the standard X-Remote-Uid header"),
        (["--cors-allowed-origins", "*"], "unrecognized arguments: --cors-allowed-origins"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert told in capsys.readouterr().err


def test_lists_may_be_repeated_and_have_commas() -> None:
    found = options(
        *("--requestheader-client-ca-file", "front.crt"),
        *("--requestheader-username-headers", "X-Remote-User,X-User"),
        *("--requestheader-group-headers", "X-Remote-Group"),
        *("--requestheader-group-headers", "X-Group"),
        *("--requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        *("--requestheader-uid-headers", "x-remote-uid"),
        *("--requestheader-allowed-names", "front, Proxy"),
        *("--client-ca-crl-file", "a.crl"),
        *("--client-ca-crl-file", "b.crl"),
    )
    assert found.requestheader_allowed_names == ("front", "Proxy")
    assert found.client_ca_crl_file == (Path("a.crl"), Path("b.crl"))
    assert found.proxy_headers == ProxyHeaders(
        ("x-remote-user", "x-user"),
        ("x-remote-uid",),
        ("x-remote-group", "x-group"),
        ("x-remote-extra-",),
    )
