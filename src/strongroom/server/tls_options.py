"""The settings of TLS and of authenticating proxies; names and meanings are kube-apiserver's.

Upstream has no lists of revoked certificates, so ``--client-ca-crl-file`` is ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.access.authn.requestheader import ProxyHeaders

VERSIONS = ("VersionTLS12", "VersionTLS13")
_OLD_VERSIONS = ("VersionTLS10", "VersionTLS11")

_TLS13 = frozenset(
    {
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    }
)
"""Always there from TLS 1.3 on; naming them changes nothing, as upstream."""

_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
"""What upstream prefers, by Go's names; OpenSSL's beside them."""

_INSECURE = frozenset(
    {
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_RC4_128_SHA",
    }
)
"""Upstream takes these, and calls them insecure."""


@dataclass(frozen=True, slots=True)
class TLSOptions:
    """How TLS is spoken, and which certificates say what.

    ``tls_cipher_suites`` is None for the default, and OpenSSL's names otherwise: empty where only
    those of TLS 1.3 were named. Without ``requestheader_client_ca_file`` no proxy is believed.
    """

    tls_min_version: str
    tls_cipher_suites: tuple[str, ...] | None
    client_ca_crl_file: tuple[Path, ...]
    requestheader_client_ca_file: Path | None
    requestheader_allowed_names: tuple[str, ...]
    requestheader_username_headers: tuple[str, ...]
    requestheader_uid_headers: tuple[str, ...]
    requestheader_group_headers: tuple[str, ...]
    requestheader_extra_headers_prefix: tuple[str, ...]

    @property
    def proxy_headers(self) -> ProxyHeaders:
        """The headers of proxies, which are looked up in lower case."""
        given = (
            self.requestheader_username_headers,
            self.requestheader_uid_headers,
            self.requestheader_group_headers,
            self.requestheader_extra_headers_prefix,
        )
        return ProxyHeaders(*(tuple(name.lower() for name in names) for names in given))


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("how TLS is spoken").add_argument
    add(
        "--tls-min-version",
        type=_version,
        default=VERSIONS[0],
        metavar="VERSION",
        help="oldest version that is spoken: VersionTLS12 (the default) or VersionTLS13",
    )
    add(
        "--tls-cipher-suites",
        action="append",
        type=_suites,
        metavar="NAME,…",
        help="suites of TLS 1.2 (default: ECDHE with AES-GCM or ChaCha20-Poly1305)",
    )
    add(
        "--client-ca-crl-file",
        action="append",
        type=Path,
        metavar="FILE",
        help="revoked client certificates (CRL, PEM or DER); may be repeated",
    )
    _add_proxy_options(parser)


def _add_proxy_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("proxies that authenticate others").add_argument
    add(
        "--requestheader-client-ca-file",
        type=Path,
        metavar="FILE",
        help="authorities of the proxies' certificates; without it no proxy is believed",
    )
    for name, metavar, help_ in (
        (
            "allowed-names",
            "NAME",
            "common names of proxies (default: any that it signed)",
        ),
        ("username-headers", "HEADER", "headers that name the user: X-Remote-User is common"),
        ("uid-headers", "HEADER", "headers that name the user's UID: X-Remote-Uid"),
        ("group-headers", "HEADER", "headers that name groups: X-Remote-Group"),
        ("extra-headers-prefix", "PREFIX", "how headers with more begin: X-Remote-Extra-"),
    ):
        add(
            f"--requestheader-{name}",
            action="append",
            type=_named(f"requestheader-{name}"),
            metavar=f"{metavar},…",
            help=help_,
        )


def tls_options(values: dict[str, Any]) -> TLSOptions:
    """Take the settings out of what was parsed. Raises ValueError for what upstream refuses."""
    own = {field.name: values.pop(field.name) for field in fields(TLSOptions)}
    for name, given in own.items():
        if name.startswith("requestheader_") and name != "requestheader_client_ca_file":
            own[name] = tuple(one for names in given or () for one in names)
    uids = own["requestheader_uid_headers"]
    if uids and not any(name.lower() == "x-remote-uid" for name in uids):
        raise ValueError(
            "--requestheader-uid-headers is set without specifying the standard X-Remote-Uid "
            "header - API aggregation will not work"
        )
    suites = own["tls_cipher_suites"]
    if suites is not None:
        own["tls_cipher_suites"] = tuple(dict.fromkeys(one for names in suites for one in names))
    own["client_ca_crl_file"] = tuple(own["client_ca_crl_file"] or ())
    return TLSOptions(**own)


def _version(text: str) -> str:
    if text in _OLD_VERSIONS:
        raise argparse.ArgumentTypeError(f'tls version "{text}" is insecure and not supported')
    if text not in VERSIONS:
        raise argparse.ArgumentTypeError(f'unknown tls version "{text}"')
    return text


def _suites(text: str) -> list[str]:
    """OpenSSL's names of these suites, without those of TLS 1.3."""
    found = []
    for name in text.split(","):
        if name in _INSECURE:
            raise argparse.ArgumentTypeError(f"Cipher suite {name} is insecure and not supported")
        if name not in _SUITES and name not in _TLS13:
            raise argparse.ArgumentTypeError(f"Cipher suite {name} not supported or doesn't exist")
        if name in _SUITES:
            found.append(_SUITES[name])
    return found


def _named(flag: str) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        found = tuple(name.strip() for name in text.split(","))
        if not all(found):
            raise argparse.ArgumentTypeError(f'empty value in "{flag}"')
        return found

    return names
