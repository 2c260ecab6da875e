"""The settings of what the server tells about Secrets: their last reads, their ends, their ages."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from strongroom.resources.secret_expiry import SOON_USED, parse_span
from strongroom.server.argument_types import truth

_NONE = timedelta()


@dataclass(frozen=True, slots=True)
class SecretOptions:
    """What is told, and how often.

    ``secret_usage_interval`` is how often SecretUsages are written where something was read; 0
    switches them off. ``secret_expiry_warning`` is how long before its end those are warned who use
    a Secret anew.
    """

    secret_usage_interval: timedelta
    secret_metrics: bool
    secret_expiry_warning: timedelta


def add_secret_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("what it tells about Secrets").add_argument
    add(
        "--secret-usage-interval",
        type=_span_or_none,
        default=timedelta(minutes=1),
        metavar="DURATION",
        help="how often last reads are written down, at most hourly for each Secret (1m); 0: never",
    )
    add(
        "--secret-metrics",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="whether /metrics tells age and end of each Secret, by name (true)",
    )
    add(
        "--secret-expiry-warning",
        type=_span_or_none,
        default=SOON_USED,
        metavar="DURATION",
        help="how long before a Secret expires those are warned who use it anew (7d)",
    )


def secret_options(values: dict[str, Any]) -> SecretOptions:
    """Take the settings out of what was parsed."""
    return SecretOptions(**{field.name: values.pop(field.name) for field in fields(SecretOptions)})


def _span_or_none(text: str) -> timedelta:
    if text in ("0", "0s"):
        return _NONE
    try:
        return parse_span(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, or 0") from error
