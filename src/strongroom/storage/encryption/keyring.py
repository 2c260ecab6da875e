"""The local key service: key-encryption keys in a file of their own.

The file is to live outside the data directory, so that a copy of the data alone opens nothing.
It is text, made to be recognised and to fail loudly when cut or edited. With one key:

    strongroom key-encryption key, version 1
    id: local:…
    key: <base64 of 32 bytes>

and with several, of which the first encrypts and the others only decrypt what is older:

    strongroom key-encryption keys, version 2
    keys: 2
    id: local:…
    key: …
    id: local:…
    key: …

All of that may be sealed: under a passphrase (``passphrase.py``), by a TPM (``tpm.py``), or by age
(``age_seal.py``).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Self

from strongroom.files import replace_wiping
from strongroom.storage.encryption.keyfile import check_directory, locked, read_private, write_new
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import (
    DecryptionFailed,
    KeyFileMissing,
    KeyServiceError,
)
from strongroom.storage.encryption.seal import IN_THE_CLEAR, Seal, damaged

_ONE = "strongroom key-encryption key, version 1"
_SEVERAL = "strongroom key-encryption keys, version 2"
_MOST_KEYS = 100

Pair = tuple[str, str]
"""The two lines of a key. It holds the key: it lives no longer than a change of the file."""


class KeyRing:
    """A `KeyService` over the keys of a file, the first of which encrypts.

    Other processes may have put a new key into the file: one that is asked for and not known is
    looked up there once more.
    """

    def __init__(self, path: Path, keys: Sequence[LocalKey], seal: Seal = IN_THE_CLEAR) -> None:
        self.path, self._seal = path, seal
        self._lock = threading.Lock()
        self._keys = {key.status(): key for key in keys}
        self._current = keys[0]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    @classmethod
    def create(cls, path: str | os.PathLike[str], seal: Seal = IN_THE_CLEAR) -> Self:
        """Make a key and its file (0600, a missing directory 0700), which must not exist.

        The file appears whole or not at all, and is on disk when this returns.

        Raises: `KeyServiceError`.
        """
        target = Path(path)
        made, lines = LocalKey.make()
        _write_new(target, f"{_ONE}\n{lines}".encode(), seal)
        return cls(target, [made], seal)

    @classmethod
    def load(cls, path: str | os.PathLike[str], seal: Seal = IN_THE_CLEAR) -> Self:
        """The keys of a file that only its owner may read, opened by ``seal``.

        Raises: `KeyFileMissing`, `KeyFileUnsafe`, `KeyFileDamaged`, `KeyServiceError`.
        """
        target = Path(path)
        return cls(target, _keys(target, _pairs(target, seal)), seal)

    @property
    def quick(self) -> bool:
        return True

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, that of the one that encrypts first."""
        return tuple(self._keys)

    def status(self) -> str:
        return self._current.status()

    def encrypt(self, plaintext: bytes) -> Wrapped:
        return self._current.encrypt(plaintext)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        key = self._keys.get(wrapped.key_id)
        if key is None:
            with contextlib.suppress(KeyServiceError):
                self.reload()
            key = self._keys.get(wrapped.key_id)
        if key is None:
            held = ", ".join(repr(name) for name in self._keys)
            raise DecryptionFailed(
                f"encrypted with key {wrapped.key_id!r}, this service holds {held}"
            )
        return key.decrypt(wrapped)

    def reload(self) -> None:
        """Take in what the file holds now. Raises as `load`, and leaves everything as it was."""
        # What was read first must not be put in place last.
        with self._lock:
            keys = _keys(self.path, _pairs(self.path, self._seal))
            self._keys, self._current = {key.status(): key for key in keys}, keys[0]

    def rotate(self) -> str:
        """Put a new key before the others, on disk; its id. Raises as `load`."""
        made, lines = LocalKey.make()
        id_line, key_line = lines.splitlines()

        def add(pairs: list[Pair]) -> list[Pair]:
            if len(pairs) >= _MOST_KEYS:
                raise KeyServiceError(
                    f"{self.path} holds {len(pairs)} keys: prune those that nothing uses first"
                )
            return [(id_line, key_line), *pairs]

        self._change(add)
        return made.status()

    def reseal(self, seal: Seal) -> None:
        """Write the same keys under another seal. Raises as `load`."""
        self._change(lambda pairs: pairs, seal)

    def copy(self, path: Path, seal: Seal) -> None:
        """Write the same keys into another file, which must not exist. Raises as `create`."""
        pairs = _pairs(self.path, self._seal)
        _keys(self.path, pairs)
        _write_new(path, _text(pairs), seal)

    def prune(self, ids: Collection[str]) -> None:
        """Forget keys, on disk, for good: the bytes of the old file are overwritten.

        Raises as `load`, and ValueError for the one in use.
        """
        if self.status() in ids:
            raise ValueError("the key that encrypts stays")
        self._change(lambda pairs: [pair for pair in pairs if pair[0][len("id: ") :] not in ids])

    def _change(self, change: Callable[[list[Pair]], list[Pair]], seal: Seal | None = None) -> None:
        """Replace the file, while nobody else does, under another seal if one is given."""
        after = seal or self._seal
        try:
            with locked(self.path.parent):
                before = _pairs(self.path, self._seal)
                _keys(self.path, before)  # What is damaged is not written back.
                replace_wiping(self.path, _closed(self.path, _text(change(before)), after))
        except OSError as error:
            raise KeyServiceError(f"cannot write the key file {self.path}: {error}") from error
        self._seal = after
        self.reload()


def _write_new(path: Path, keys: bytes, seal: Seal) -> None:
    content = _closed(path, keys, seal)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_directory(path)
        written = write_new(path, content)
    except OSError as error:
        raise KeyServiceError(f"cannot write the key file {path}: {error}") from error
    if not written:
        raise KeyServiceError(f"{path} exists: a key file is never overwritten")


def _closed(path: Path, keys: bytes, seal: Seal) -> bytes:
    """What the file is to hold, which was opened again: nothing is closed for ever."""
    content = seal.closed(keys)
    if seal.opened(path, content) != keys:
        raise KeyServiceError(
            f"the seal of {path} does not open what it closed: nothing is changed"
        )
    return content


def _text(pairs: Sequence[Pair]) -> bytes:
    head = f"{_ONE}\n" if len(pairs) == 1 else f"{_SEVERAL}\nkeys: {len(pairs)}\n"
    return (head + "".join(f"{name}\n{key}\n" for name, key in pairs)).encode()


def _pairs(path: Path, seal: Seal) -> list[Pair]:
    """The keys of a file, as they stand there. Raises as `KeyRing.load`."""
    try:
        lines = seal.opened(path, read_private(path)).decode("ascii", "replace").splitlines()
    except FileNotFoundError as error:
        raise KeyFileMissing(
            f"there is no key file {path}: restore it from its backup, or name the one in use "
            "(--encryption-key-file); values encrypted with it cannot be read without it"
        ) from error
    except OSError as error:
        raise KeyServiceError(f"cannot read the key file {path}: {error}") from error
    if lines[:1] == [_ONE] and len(lines) == 3:
        return [(lines[1], lines[2])]
    rest = lines[2:]
    if lines[:1] == [_SEVERAL] and lines[1:2] == [f"keys: {len(rest) // 2}"] and not len(rest) % 2:
        return list(zip(rest[::2], rest[1::2], strict=True))
    raise damaged(path)


def _keys(path: Path, pairs: Sequence[Pair]) -> list[LocalKey]:
    try:
        keys = [LocalKey.parse(*pair) for pair in pairs]
    except ValueError:
        raise damaged(path) from None
    if not keys:
        raise damaged(path)
    return keys
