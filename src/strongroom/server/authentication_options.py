"""The settings of authentication; names and meanings are kube-apiserver's."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from strongroom.access.authn.jws import ALGORITHMS
from strongroom.server.argument_types import truth


@dataclass(frozen=True, slots=True)
class OIDCOptions:
    """An issuer as the flags say it. ``oidc_username_prefix`` "-" is none, "" is the usual one."""

    oidc_issuer_url: str
    oidc_client_id: str
    oidc_ca_file: Path | None = None
    oidc_username_claim: str = "sub"
    oidc_username_prefix: str = ""
    oidc_groups_claim: str = ""
    oidc_groups_prefix: str = ""
    oidc_required_claim: Mapping[str, str] = field(default_factory=dict)
    oidc_signing_algs: tuple[str, ...] = ("RS256",)


@dataclass(frozen=True, slots=True)
class AuthenticationOptions:
    """Who is believed to be who they say.

    ``anonymous_auth`` None lets who shows nothing ask for health and the other public paths alone.
    """

    anonymous_auth: bool | None
    token_auth_file: Path | None
    authentication_config: Path | None
    oidc: OIDCOptions | None


def add_authentication_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("who is believed").add_argument
    add(
        "--anonymous-auth",
        type=truth,
        nargs="?",
        const=True,
        metavar="BOOL",
        help="let requests without credentials in as system:anonymous, or not at all (default: "
        "on health and the other public paths)",
    )
    add(
        "--token-auth-file",
        type=Path,
        metavar="FILE",
        help='tokens that are believed: lines of token,user,uid,"group1,group2"',
    )
    add(
        "--authentication-config",
        type=Path,
        metavar="FILE",
        help="AuthenticationConfiguration: issuers of tokens, and where nobody is let in",
    )
    _add_oidc(parser)


def _add_oidc(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("one OIDC issuer, without a configuration file").add_argument
    for name, metavar, help_ in (
        ("issuer-url", "URL", "who issues tokens; https"),
        ("client-id", "NAME", "for whom tokens must be meant"),
        ("username-claim", "CLAIM", "claim that is the user's name (sub)"),
        (
            "username-prefix",
            "TEXT",
            "put before it; - for nothing (the issuer and #, but for the claim email)",
        ),
        ("groups-claim", "CLAIM", "claim that names the user's groups"),
        ("groups-prefix", "TEXT", "put before each of them"),
    ):
        add(f"--oidc-{name}", metavar=metavar, help=help_)
    add(
        "--oidc-ca-file",
        type=Path,
        metavar="FILE",
        help="authorities of the issuer's certificate (the system's)",
    )
    add(
        "--oidc-required-claim",
        action="append",
        type=_pair,
        metavar="CLAIM=VALUE",
        help="what tokens must say; may be repeated",
    )
    add(
        "--oidc-signing-algs",
        type=_algorithms,
        metavar="NAME[,NAME]",
        help=f"algorithms that tokens may be signed with (RS256), of {', '.join(ALGORITHMS)}",
    )


def authentication_options(values: dict[str, Any]) -> AuthenticationOptions:
    """Take the settings out of what was parsed. Raises ValueError for what does not go together."""
    names = [option.name for option in fields(OIDCOptions)]
    given = {name: values.pop(name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    own = {
        option.name: values.pop(option.name)
        for option in fields(AuthenticationOptions)
        if option.name != "oidc"
    }
    if own["authentication_config"] is not None and given:
        raise ValueError("authentication-config file and oidc-* flags are mutually exclusive")
    if given and not (given.get("oidc_issuer_url") and given.get("oidc_client_id")):
        raise ValueError(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags "
            "are set"
        )
    if pairs := given.get("oidc_required_claim"):
        given["oidc_required_claim"] = dict(pairs)
    return AuthenticationOptions(**own, oidc=OIDCOptions(**given) if given else None)


def _pair(text: str) -> tuple[str, str]:
    claim, equals, value = text.partition("=")
    if not equals or not claim.strip():
        raise argparse.ArgumentTypeError("malformed pair, expect string=string")
    return claim.strip(), value.strip()


def _algorithms(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in ALGORITHMS:
            raise argparse.ArgumentTypeError(f'oidc: unsupported signing alg: "{name}"')
    return names
