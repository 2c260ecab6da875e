"""Keys in a file, in the clear or sealed by one thing or another.

file:FILE           a key file (the default)
passphrase:FILE     a key file that is sealed under a passphrase
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import PassphraseSeal
from strongroom.storage.encryption.passphrasefile import (
    STDIN,
    PassphraseFile,
    default_passphrase_file,
)
from strongroom.storage.encryption.seal import IN_THE_CLEAR, Seal


class Sealing(Protocol):
    """What a key file is sealed by, as a URI names it; with ``==``, as dataclasses have it."""

    @property
    def scheme(self) -> str:
        """What such URIs begin with."""
        ...

    @property
    def settings(self) -> str:
        """What follows the file in such a URI, from the ``?`` on; no secret."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Further files that pods and other users must not see."""
        ...

    def seal(self) -> Seal:
        """What opens and closes the file. Raises KeyServiceError."""
        ...


@dataclass(frozen=True, slots=True)
class InTheClear:
    """The file holds the keys themselves."""

    scheme = "file"
    settings = ""
    files = ()

    def seal(self) -> Seal:
        return IN_THE_CLEAR


@dataclass(frozen=True, slots=True)
class UnderPassphrase:
    """The file is sealed under a passphrase; ``file`` is None for that of systemd."""

    file: str | None = None
    scheme = "passphrase"
    settings = ""

    @property
    def files(self) -> tuple[Path, ...]:
        return () if self.file in (None, STDIN) else (Path(str(self.file)).absolute(),)

    def seal(self) -> Seal:
        return PassphraseSeal(PassphraseFile(self.file or default_passphrase_file()))


CLEAR: Final = InTheClear()


@dataclass(frozen=True, slots=True)
class FileSource:
    """A key file, and what it is sealed by."""

    path: Path
    sealing: Sealing = CLEAR

    def __str__(self) -> str:
        return f"{self.sealing.scheme}:{self.path}{self.sealing.settings}"

    @property
    def facts(self) -> dict[str, str]:
        """What is told of it to people and programs."""
        return {"source": str(self), "keyFile": str(self.path)}

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        return self.path, *self.sealing.files

    def open(self, *, new: bool = False) -> KeyRing:
        """The keys; made when ``new`` and there is no file. Raises KeyServiceError."""
        seal = self.sealing.seal()
        if new and not self.path.exists():
            return KeyRing.create(self.path, seal)
        return KeyRing.load(self.path, seal)


def path_of(text: str) -> Path:
    """The file that a URI names behind its scheme, in either of the usual forms.

    Raises ValueError when there is none.
    """
    if not text:
        raise ValueError("the file's name is missing")
    # The form with an empty host (file:///etc/key) is a path with two slashes too many.
    return Path(text.removeprefix("//") if text.startswith("///") else text).absolute()


def in_the_clear(text: str) -> FileSource:
    """What ``file:`` is followed by. Raises ValueError."""
    return FileSource(path_of(text))


def under_passphrase(text: str) -> FileSource:
    """What ``passphrase:`` is followed by. Raises ValueError."""
    return FileSource(path_of(text), UnderPassphrase())
