"""The settings of encryption at rest; names and meanings are kube-apiserver's where it has them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strongroom.server.argument_types import truth
from strongroom.server.encryption.file_source import FileSource, UnderPassphrase
from strongroom.server.encryption.sources import HELP, Source, key_source
from strongroom.server.memory import AUTO, add_lock_option
from strongroom.storage.encryption.passphrasefile import STDIN


@dataclass(frozen=True, slots=True)
class EncryptionOptions:
    """Whose keys encrypt. Without a configuration, one of our own encrypts everything."""

    encryption_key: Source | None
    """Where that key is; None: in the installation's key file."""
    encryption_provider_config: Path | None
    encryption_provider_config_automatic_reload: bool
    lock_memory: str = AUTO
    """Whether the process is kept out of swap: see ``server/memory.py``."""

    @property
    def encryption_key_file(self) -> Path | None:
        """The key file, where one is named."""
        return self.encryption_key.path if isinstance(self.encryption_key, FileSource) else None


def add_encryption_options(parser: argparse.ArgumentParser) -> None:
    """Have a parser know them."""
    group = parser.add_argument_group("encryption at rest")
    add = group.add_argument
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--encryption-key-file",
        type=Path,
        metavar="FILE",
        help="key that encrypts the data keys; outside the data directory by default",
    )
    add_source_options(group, either, "--encryption-key", "--encryption-passphrase-file")
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
    add_lock_option(group)


def add_source_options(
    group: argparse._ActionsContainer, either: argparse._ActionsContainer, key: str, phrase: str
) -> None:
    """The settings that name a source, under these names: ``key`` is one of ``either``."""
    either.add_argument(
        key,
        type=key_source,
        metavar="URI",
        help=HELP,
    )
    group.add_argument(
        phrase,
        metavar="FILE",
        help="passphrase of the key file; - for standard input (default: the credential "
        "strongroom-passphrase of systemd)",
    )


def encryption_options(values: dict[str, Any]) -> EncryptionOptions:
    """Take the settings out of what was parsed. Raises ValueError for those that do not fit."""
    source = chosen(
        values.pop("encryption_key"),
        values.pop("encryption_key_file"),
        values.pop("encryption_passphrase_file"),
    )
    if (
        values.get("workers", 1) > 1
        and isinstance(source, FileSource)
        and source.sealing == UnderPassphrase(STDIN)
    ):
        raise ValueError("every worker reads the passphrase: give it in a file, not by -")
    return EncryptionOptions(
        source,
        values.pop("encryption_provider_config"),
        values.pop("encryption_provider_config_automatic_reload"),
        values.pop("lock_memory"),
    )


def chosen(source: Source | None, file: Path | None, passphrase: str | None) -> Source | None:
    """The source that these name; None for none. Raises ValueError."""
    if file is not None:
        source = FileSource(file.absolute())
    if passphrase is None:
        return source
    if not isinstance(source, FileSource) or not isinstance(source.sealing, UnderPassphrase):
        raise ValueError("a passphrase is for a key that is named as passphrase:FILE")
    return replace(source, sealing=UnderPassphrase(passphrase))
