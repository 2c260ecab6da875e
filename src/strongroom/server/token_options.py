"""The settings of tokens; names and meanings are kube-apiserver's."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from strongroom.server.argument_types import duration, truth

DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local"

_SHORTEST, _LONGEST = 3600, 1 << 32


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """What tokens are made and judged by.

    The first of the issuers makes tokens, all are believed. No key files mean those in the data
    directory; ``service_account_max_token_expiration`` is 0 for no limit.
    """

    service_account_issuer: tuple[str, ...]
    service_account_signing_key_file: Path | None
    service_account_key_file: tuple[Path, ...]
    service_account_max_token_expiration: int
    service_account_extend_token_expiration: bool
    service_account_jwks_uri: str
    service_account_lookup: bool
    api_audiences: tuple[str, ...]
    enable_bootstrap_token_auth: bool


def add_token_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("tokens of ServiceAccounts and of nodes that join").add_argument
    add(
        "--service-account-issuer",
        action="append",
        type=_issuer,
        metavar="URL",
        help=f"who tokens are from; repeated: all are believed, the first signs ({DEFAULT_ISSUER})",
    )
    add(
        "--service-account-signing-key-file",
        type=Path,
        metavar="FILE",
        help="private key that signs tokens (default: DIR/pki/sa.key)",
    )
    add(
        "--service-account-key-file",
        action="append",
        type=Path,
        metavar="FILE",
        help="public keys whose tokens are believed; may be repeated (default: DIR/pki/sa.pub)",
    )
    add(
        "--api-audiences",
        action="append",
        metavar="NAME,…",
        help="what tokens for this server name as their audience (default: the issuers)",
    )
    add(
        "--service-account-max-token-expiration",
        type=_lifetime,
        default=0,
        metavar="DURATION",
        help="longest life that a token can be asked for; longer ones are shortened",
    )
    add(
        "--service-account-extend-token-expiration",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="let pods' tokens live a year, and tell of those who do not renew them (true)",
    )
    add(
        "--service-account-jwks-uri",
        type=_https,
        metavar="URL",
        help="where discovery says that the public keys are (default: this server)",
    )
    add(
        "--service-account-lookup",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="whether tokens in Secrets end with their Secret (true)",
    )
    add(
        "--enable-bootstrap-token-auth",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="believe who shows a bootstrap token, as nodes that join do (true)",
    )


def token_options(values: dict[str, Any]) -> TokenOptions:
    """Take the settings out of what was parsed."""
    own = {field.name: values.pop(field.name) for field in fields(TokenOptions)}
    issuers = tuple(dict.fromkeys(own["service_account_issuer"] or (DEFAULT_ISSUER,)))
    given = [name for text in own["api_audiences"] or () for name in text.split(",") if name]
    return TokenOptions(
        **own
        | {
            "service_account_issuer": issuers,
            "service_account_key_file": tuple(own["service_account_key_file"] or ()),
            "service_account_jwks_uri": own["service_account_jwks_uri"] or "",
            "api_audiences": tuple(dict.fromkeys(given)) or issuers,
        }
    )


def _issuer(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected a URL, or a name without a colon")
    if ":" in text and not urlsplit(text).scheme:
        raise argparse.ArgumentTypeError("contains a colon and is not a valid URL")
    return text


def _https(text: str) -> str:
    if urlsplit(text).scheme != "https":
        raise argparse.ArgumentTypeError("expected a URL that begins with https:")
    return text


def _lifetime(text: str) -> int:
    """A duration in seconds that a token may live; 0 for no limit."""
    seconds = 0.0 if text in ("0", "0s") else duration(text)
    if seconds and not _SHORTEST <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError("expected a duration between 1h and 2^32 seconds")
    return int(seconds)
