"""The settings of encryption at rest; names and meanings are kube-apiserver's where it has them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strongroom.server.argument_types import truth


@dataclass(frozen=True, slots=True)
class EncryptionOptions:
    """Whose keys encrypt. Without a configuration, one of our own encrypts everything."""

    encryption_key_file: Path | None
    encryption_provider_config: Path | None
    encryption_provider_config_automatic_reload: bool


def add_encryption_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    add = parser.add_argument_group("encryption at rest").add_argument
    add(
        "--encryption-key-file",
        type=Path,
        metavar="FILE",
        help="key that encrypts the data keys; outside the data directory by default",
    )
    add(
        "--encryption-provider-config",
        type=Path,
        metavar="FILE",
        help="EncryptionConfiguration that says what encrypts which resources, in place of the key",
    )
    add(
        "--encryption-provider-config-automatic-reload",
        type=truth,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="read the configuration again when it changes (true)",
    )


def encryption_options(values: dict[str, Any]) -> EncryptionOptions:
    """Take the settings out of what was parsed."""
    return EncryptionOptions(
        **{field.name: values.pop(field.name) for field in fields(EncryptionOptions)}
    )
