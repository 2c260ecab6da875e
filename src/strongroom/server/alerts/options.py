"""The settings of alerts about who reads Secrets."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.server.argument_types import truth


@dataclass(frozen=True, slots=True)
class AlertOptions:
    """Whether there are alerts, and by which rules; without a file, by the default ones."""

    alerts: bool
    alert_policy_file: Path | None


def add_alert_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("alerts about who reads Secrets").add_argument
    add(
        "--alerts",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="whether audit events are held against rules (true)",
    )
    add(
        "--alert-policy-file",
        type=Path,
        metavar="FILE",
        help="rules, webhook and what is kept: an AlertPolicy (default: the default rules)",
    )


def alert_options(values: dict[str, Any]) -> AlertOptions:
    """Take the settings out of what was parsed."""
    return AlertOptions(**{field.name: values.pop(field.name) for field in fields(AlertOptions)})
