"""The settings of authorization; names and meanings are kube-apiserver's."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.access.authz.modes import DEFAULT, WEBHOOK, mode_error
from strongroom.server.argument_types import duration_or_none

VERSIONS = ("v1", "v1beta1")

_WEBHOOK = "authorization_webhook_"


@dataclass(frozen=True, slots=True)
class AuthorizationOptions:
    """Who decides: the modes with one webhook, or a file that says more of all this.

    Lifetimes of answers are seconds, 0 for none.
    """

    authorization_mode: tuple[str, ...]
    authorization_config: Path | None
    authorization_webhook_config_file: Path | None
    authorization_webhook_version: str
    authorization_webhook_cache_authorized_ttl: float
    authorization_webhook_cache_unauthorized_ttl: float


def add_authorization_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("who decides what is allowed").add_argument
    add(
        "--authorization-mode",
        action="append",
        metavar="MODE[,MODE]",
        help="who decides, in this order: AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook (Node,RBAC)",
    )
    add(
        "--authorization-config",
        type=Path,
        metavar="FILE",
        help="AuthorizationConfiguration, in place of the mode and the webhook's options; read "
        "again when it changes",
    )
    add(
        "--authorization-webhook-config-file",
        type=Path,
        metavar="FILE",
        help="kubeconfig that says where the webhook of the mode Webhook is",
    )
    add(
        "--authorization-webhook-version",
        choices=VERSIONS,
        help="version of the SubjectAccessReviews that it is asked by (v1beta1)",
    )
    for word, shown in (("authorized", "5m"), ("unauthorized", "30s")):
        add(
            f"--authorization-webhook-cache-{word}-ttl",
            type=duration_or_none,
            metavar="DURATION",
            help=f"how long its answers are kept where it says {word} ({shown}); 0: not at all",
        )


def authorization_options(values: dict[str, Any]) -> AuthorizationOptions:
    """Take the settings out of what was parsed. Raises ValueError for what does not fit."""
    own = {field.name: values.pop(field.name) for field in fields(AuthorizationOptions)}
    given = {name for name, value in own.items() if value is not None}
    others = {name for name in given if name == "authorization_mode" or name.startswith(_WEBHOOK)}
    if own["authorization_config"] is not None and others:
        raise ValueError(
            "--authorization-config can not be specified when --authorization-mode or "
            "--authorization-webhook-* flags are defined"
        )
    modes = tuple(mode for text in own["authorization_mode"] or () for mode in text.split(","))
    own["authorization_mode"] = modes or DEFAULT
    if wrong := mode_error(own["authorization_mode"]) or _webhook_error(own):
        raise ValueError(wrong)
    defaults = {"version": "v1beta1", "cache_authorized_ttl": 300.0, "cache_unauthorized_ttl": 30.0}
    for name, value in defaults.items():
        if own[_WEBHOOK + name] is None:
            own[_WEBHOOK + name] = value
    return AuthorizationOptions(**own)


def _webhook_error(own: dict[str, Any]) -> str:
    wanted, file = WEBHOOK in own["authorization_mode"], own[f"{_WEBHOOK}config_file"]
    if wanted and file is None:
        return "authorization-mode Webhook's authorization config file not passed"
    if file is not None and not wanted:
        return "cannot specify --authorization-webhook-config-file without mode Webhook"
    return ""
