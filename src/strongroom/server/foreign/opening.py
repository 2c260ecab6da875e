"""Opens what another cluster encrypted, with its EncryptionConfiguration: plugins and all."""

from __future__ import annotations

from pathlib import Path

from strongroom.api.configuration import BadConfiguration
from strongroom.server.encryption.configuration import EncryptionConfiguration, read_encryption
from strongroom.server.encryption.providers import Providers
from strongroom.snapshot.lines import CannotRead
from strongroom.storage.encryption.port import EncryptionError, KeyServiceError
from strongroom.storage.encryption.stored import Stored


class Opener:
    """The providers of a configuration file; without one, what is not encrypted is read.

    Raises CannotRead, OSError.
    """

    def __init__(self, path: Path | None) -> None:
        self._providers = Providers(_read(path) if path else EncryptionConfiguration())
        self._silent: dict[Stored, str] = {}

    def open(self, section: str, key: bytes, value: bytes, how: Stored) -> tuple[bytes | None, str]:
        """The value that was stored under a key, or None and why it cannot be had."""
        if how in self._silent:
            return None, self._silent[how]
        try:
            return self._providers.choose(section).from_storage(value, context=key).value, ""
        except KeyServiceError as error:
            # A plugin that does not answer has its time once, not once for each object.
            self._silent[how] = str(error)
            return None, str(error)
        except EncryptionError as error:
            return None, str(error)

    def close(self) -> None:
        """Hang up on the plugins."""
        self._providers.close()


def _read(path: Path) -> EncryptionConfiguration:
    try:
        return read_encryption(path.read_bytes())
    except BadConfiguration as error:
        raise CannotRead(f"{path}: {error}") from None
