"""The settings of the webhook that is asked whose bearer tokens are; names are kube-apiserver's."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.server.argument_types import duration_or_none
from strongroom.server.authorization_options import VERSIONS


@dataclass(frozen=True, slots=True)
class TokenWebhookOptions:
    """Where the webhook is, how it is asked, and for how many seconds its answers are kept."""

    authentication_token_webhook_config_file: Path | None
    authentication_token_webhook_version: str
    authentication_token_webhook_cache_ttl: float


def add_token_webhook_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("a webhook that knows tokens").add_argument
    add(
        "--authentication-token-webhook-config-file",
        type=Path,
        metavar="FILE",
        help="kubeconfig that says where it is",
    )
    add(
        "--authentication-token-webhook-version",
        choices=VERSIONS,
        default="v1beta1",
        help="version of the TokenReviews that it is asked by (v1beta1)",
    )
    add(
        "--authentication-token-webhook-cache-ttl",
        type=duration_or_none,
        default=120.0,
        metavar="DURATION",
        help="how long its answers are kept (2m); 0: not at all",
    )


def token_webhook_options(values: dict[str, Any]) -> TokenWebhookOptions:
    """Take the settings out of what was parsed."""
    names = [field.name for field in fields(TokenWebhookOptions)]
    return TokenWebhookOptions(**{name: values.pop(name) for name in names})
