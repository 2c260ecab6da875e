"""Where the key-encryption key is: what ``--encryption-key URI`` names, and how it is opened.

file:FILE           a key file (the default)
passphrase:FILE     a key file that is sealed under a passphrase
vault:URL?…         a key in the transit engine of Vault or OpenBao (see ``vault_source.py``)
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from strongroom.server.encryption.vault_source import VAULT, VaultSource, vault_source
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import PassphraseSeal
from strongroom.storage.encryption.passphrasefile import (
    STDIN,
    PassphraseFile,
    default_passphrase_file,
)
from strongroom.storage.encryption.seal import IN_THE_CLEAR, Seal

FILE, PASSPHRASE = "file", "passphrase"
_FORMS = "file:FILE, passphrase:FILE or vault:https://HOST:PORT/transit/keys/NAME?token-file=FILE"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A key file, in the clear or sealed under the passphrase of a file."""

    path: Path
    sealed: bool = False
    passphrase_file: str | None = None

    def __str__(self) -> str:
        return f"{PASSPHRASE if self.sealed else FILE}:{self.path}"

    @property
    def facts(self) -> dict[str, str]:
        """What is told of it to people and programs."""
        return {"source": str(self), "keyFile": str(self.path)}

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        if self.passphrase_file in (None, STDIN):
            return (self.path,)
        return self.path, Path(str(self.passphrase_file)).absolute()

    def open(self, *, new: bool = False) -> KeyRing:
        """The keys; made when ``new`` and there is no file. Raises KeyServiceError."""
        seal: Seal = IN_THE_CLEAR
        if self.sealed:
            seal = PassphraseSeal(PassphraseFile(self.passphrase_file or default_passphrase_file()))
        if new and not self.path.exists():
            return KeyRing.create(self.path, seal)
        return KeyRing.load(self.path, seal)


Source = FileSource | VaultSource


def key_source(text: str) -> Source:
    """The source that a URI names. Raises argparse.ArgumentTypeError."""
    scheme, colon, rest = text.partition(":")
    if colon and rest and scheme in (FILE, PASSPHRASE):
        # The form with an empty host (file:///etc/key) is a path with two slashes too many.
        path = Path(rest.removeprefix("//") if rest.startswith("///") else rest)
        return FileSource(path.absolute(), sealed=scheme == PASSPHRASE)
    if scheme == VAULT:
        try:
            return vault_source(rest)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}; expected {_FORMS}") from None
    raise argparse.ArgumentTypeError(f"expected {_FORMS}")
