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
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Self

from strongroom.files import write_private
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import (
    DecryptionFailed,
    KeyFileDamaged,
    KeyFileMissing,
    KeyFileUnsafe,
    KeyServiceError,
)

_ONE = "strongroom key-encryption key, version 1"
_SEVERAL = "strongroom key-encryption keys, version 2"
_MAX_FILE = 64 * 1024
_MOST_KEYS = 100

Pair = tuple[str, str]
"""The two lines of a key. It holds the key: it lives no longer than a change of the file."""


class KeyRing:
    """A `KeyService` over the keys of a file, the first of which encrypts.

    Other processes may have put a new key into the file: one that is asked for and not known is
    looked up there once more.
    """

    def __init__(self, path: Path, keys: Sequence[LocalKey]) -> None:
        self.path = path
        self._keys = {key.status(): key for key in keys}
        self._current = keys[0]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Self:
        """Make a key and its file (0600, a missing directory 0700), which must not exist.

        The file appears whole or not at all, and is on disk when this returns.

        Raises: `KeyServiceError`.
        """
        target = Path(path)
        made, lines = LocalKey.make()
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written = _write_new(target, f"{_ONE}\n{lines}".encode())
        except OSError as error:
            raise KeyServiceError(f"cannot write the key file {target}: {error}") from error
        if not written:
            raise KeyServiceError(f"{target} exists: a key file is never overwritten")
        return cls(target, [made])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The keys of a file that only its owner may read.

        Raises: `KeyFileMissing`, `KeyFileUnsafe`, `KeyFileDamaged`, `KeyServiceError`.
        """
        target = Path(path)
        return cls(target, _keys(target, _pairs(target)))

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
        keys = _keys(self.path, _pairs(self.path))
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

    def prune(self, ids: Collection[str]) -> None:
        """Forget keys, on disk, for good. Raises as `load`, and ValueError for the one in use."""
        if self.status() in ids:
            raise ValueError("the key that encrypts stays")
        self._change(lambda pairs: [pair for pair in pairs if pair[0][len("id: ") :] not in ids])

    def _change(self, change: Callable[[list[Pair]], list[Pair]]) -> None:
        """Replace the file, while nobody else does."""
        try:
            with _locked(self.path.parent):
                before = _pairs(self.path)
                _keys(self.path, before)  # What is damaged is not written back.
                write_private(self.path, _text(change(before)))
        except OSError as error:
            raise KeyServiceError(f"cannot write the key file {self.path}: {error}") from error
        self.reload()


def _text(pairs: Sequence[Pair]) -> bytes:
    head = f"{_ONE}\n" if len(pairs) == 1 else f"{_SEVERAL}\nkeys: {len(pairs)}\n"
    return (head + "".join(f"{name}\n{key}\n" for name, key in pairs)).encode()


def _pairs(path: Path) -> list[Pair]:
    """The keys of a file, as they stand there. Raises as `KeyRing.load`."""
    try:
        lines = _read_private(path).decode("ascii", "replace").splitlines()
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
    raise _damaged(path)


def _keys(path: Path, pairs: Sequence[Pair]) -> list[LocalKey]:
    try:
        keys = [LocalKey.parse(*pair) for pair in pairs]
    except ValueError:
        raise _damaged(path) from None
    if not keys:
        raise _damaged(path)
    return keys


def _damaged(path: Path) -> KeyFileDamaged:
    return KeyFileDamaged(
        f"the key file {path} is damaged: restore it from its backup, do not make a new one"
    )


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other processes from changing files of a directory by this means."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes) -> bool:
    """Create a file that others never see in part; False when there is one already."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        # A link, unlike a rename, refuses to replace a key that is there.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True


def _read_private(path: Path) -> bytes:
    """The content of a small regular file that belongs to us or root, and to nobody else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # The opened file is judged, not the path: it cannot be swapped in between.
        _check_private(path, os.fstat(descriptor))
        return os.read(descriptor, _MAX_FILE)
    finally:
        os.close(descriptor)


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileUnsafe(f"{path} is not a regular file")
    if status.st_mode & 0o077:
        raise KeyFileUnsafe(
            f"the key file {path} has mode {stat.S_IMODE(status.st_mode):04o}: "
            f"others may use it; run `chmod 600 {path}` and consider the key known to them"
        )
    if status.st_uid not in {0, os.geteuid()}:
        raise KeyFileUnsafe(
            f"the key file {path} belongs to user {status.st_uid}: "
            f"it has to belong to the server's user ({os.geteuid()})"
        )
