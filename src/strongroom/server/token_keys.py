"""The files with the keys of ServiceAccount tokens: made at first start, read again when changed.

Keys are replaced while the server runs. Whoever puts another private key in place of the signing
key has new tokens signed by it at once; the old public key stays in the file of public keys, so
that old tokens hold until it is taken out. Each process of a server reads the files for itself:
one that meets a key it does not know looks again before it refuses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from strongroom.access.authn.keys import (
    BadKey,
    make_key,
    public_pem,
    signing_key,
    verification_keys,
)
from strongroom.access.authn.keyset import KeySet
from strongroom.api.clock import Clock
from strongroom.files import write_private
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

LOOK_AGAIN = 1.0
"""Seconds for which files are taken to be as they were: so soon a key that was taken out is out."""

T = TypeVar("T")
_Facts = tuple[tuple[int, int, int, int] | None, ...]


class KeyFileError(Exception):
    """The keys cannot be used; the text names the file and why."""


def prepare_keys(directory: Path) -> None:
    """Make ``sa.key`` and ``sa.pub`` if there are none.

    ``sa.pub`` has every key that ever signed, until somebody takes one out. Raises KeyFileError.
    """
    private, public = default_files(directory)
    if not private.exists():
        pem, told = make_key()
        # The public key first: a crash in between leaves a key that nobody has signed with.
        write_private(public, (public.read_bytes() if public.exists() else b"") + told)
        write_private(private, pem)
        return
    keep_public(private, public)


def keep_public(private: Path, public: Path) -> None:
    """Add the signing key's public part to the file, unless it is there. Raises KeyFileError."""
    key = _read(private, signing_key).public
    known = _read(public, verification_keys) if public.exists() else []
    if all(other.id != key.id for other in known):
        content = public.read_bytes() if public.exists() else b""
        write_private(public, content + public_pem(key.key))


def default_files(directory: Path) -> tuple[Path, Path]:
    """The private and the public key in the data directory."""
    return directory / "sa.key", directory / "sa.pub"


class KeyFiles:
    """The keys of files, as the files are now. Raises KeyFileError when they cannot be used."""

    def __init__(self, private: Path, public: Sequence[Path], clock: Clock) -> None:
        self._private = private
        self._public = tuple(public)
        self._clock = clock
        self._facts = self._look()
        self._keys = self._load()
        self._looked = clock.monotonic()

    def current(self) -> KeySet:
        """The keys, at most a second old."""
        if self._clock.monotonic() - self._looked >= LOOK_AGAIN:
            self.newest()
        return self._keys

    def newest(self) -> KeySet:
        """The keys as of now. Files that cannot be used leave them as they were."""
        self._looked = self._clock.monotonic()
        facts = self._look()
        if facts != self._facts:
            self._facts = facts
            try:
                self._keys = self._load()
            except (KeyFileError, OSError) as error:
                log(logger, logging.ERROR, "keys of tokens stay as they were", error)
        return self._keys

    def _load(self) -> KeySet:
        public = [key for path in self._public for key in _read(path, verification_keys)]
        return KeySet(_read(self._private, signing_key), public)

    def _look(self) -> _Facts:
        return tuple(_facts(path) for path in (self._private, *self._public))


class PublicKeys:
    """Keeps the public part of every key that signs in the data directory's file of public keys.

    So that a key which is replaced while the server runs is still believed.
    """

    def __init__(self, keys: KeyFiles, directory: Path) -> None:
        self._keys = keys
        self._files = default_files(directory)
        self._kept: KeySet | None = None

    async def turn(self) -> None:
        """Write what is missing. Raises KeyFileError, OSError."""
        keys = self._keys.newest()
        if keys is not self._kept:
            await asyncio.to_thread(keep_public, *self._files)
            self._kept = keys


def _facts(path: Path) -> tuple[int, int, int, int] | None:
    """What tells a file from the one that was there before."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def _read(path: Path, read: Callable[[bytes], T]) -> T:
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    except BadKey as error:
        raise KeyFileError(f"{path}: {error}") from error
