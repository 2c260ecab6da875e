"""The local key service: a key-encryption key in a file of its own.

The file is to live outside the data directory, so that a copy of the data alone opens nothing.
It is text, made to be recognised and to fail loudly when cut or edited:

    strongroom key-encryption key, version 1
    id: local:…
    key: <base64 of 32 bytes>
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import (
    DecryptionFailed,
    KeyFileDamaged,
    KeyFileMissing,
    KeyFileUnsafe,
    KeyServiceError,
)

_HEADER = "strongroom key-encryption key, version 1"
_KEY_SIZE = 32
_NONCE_SIZE = 12
_MAX_FILE = 4096
# Marks the wrapped form, so that a later form can be told apart.
_WRAP_VERSION = b"\x01"
_WRAP_CONTEXT = b"strongroom local key wrap v1"
_ID_CONTEXT = b"strongroom local key id v1"


class LocalKey:
    """A `KeyService` that wraps with AES-256-GCM under a key from a file.

    Nonces are random. That is safe for 2^32 wraps; one happens at a start and after each
    bounded number of writes, so the bound is out of reach. The id is a PRF of the random key:
    it names the key and tells nothing about it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_SIZE:
            raise ValueError("a key-encryption key has 32 bytes")
        self._aead = AESGCM(key)
        self._key_id = f"local:{hmac_digest(key, _ID_CONTEXT, sha256)[:16].hex()}"

    def __repr__(self) -> str:
        return f"LocalKey({self._key_id})"

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Self:
        """Make a key and its file (0600, a missing directory 0700), which must not exist.

        The file appears whole or not at all, and is on disk when this returns.

        Raises: `KeyServiceError`.
        """
        target = Path(path)
        key = secrets.token_bytes(_KEY_SIZE)
        made = cls(key)
        text = f"{_HEADER}\nid: {made.status()}\nkey: {base64.b64encode(key).decode()}\n"
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written = _write_new(target, text.encode())
        except OSError as error:
            raise KeyServiceError(f"cannot write the key file {target}: {error}") from error
        if not written:
            raise KeyServiceError(f"{target} exists: a key file is never overwritten")
        return made

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The key of a file that only its owner may read.

        Raises: `KeyFileMissing`, `KeyFileUnsafe`, `KeyFileDamaged`, `KeyServiceError`.
        """
        target = Path(path)
        try:
            text = _read_private(target)
        except FileNotFoundError as error:
            raise KeyFileMissing(
                f"there is no key file {target}: restore it from its backup, or name "
                "the one in use with --encryption-key-file; "
                "values encrypted with it cannot be read without it"
            ) from error
        except OSError as error:
            raise KeyServiceError(f"cannot read the key file {target}: {error}") from error
        return cls._parse(text, target)

    @classmethod
    def _parse(cls, text: bytes, path: Path) -> Self:
        damaged = KeyFileDamaged(
            f"the key file {path} is damaged: restore it from its backup, do not make a new one"
        )
        lines = text.decode("ascii", "replace").splitlines()
        if len(lines) != 3 or lines[0] != _HEADER:
            raise damaged
        key_id, key = lines[1].removeprefix("id: "), lines[2].removeprefix("key: ")
        try:
            raw = base64.b64decode(key, validate=True)
            made = cls(raw)
        except (binascii.Error, ValueError):
            # Without the cause: its context would keep the key's text in a traceback.
            raise damaged from None
        # The last digit has bits that decoding leaves out: a change of those is one too.
        intact = compare_digest(base64.b64encode(raw), key.encode())
        if not intact or not compare_digest(made.status().encode(), key_id.encode()):
            raise damaged
        return made

    @property
    def quick(self) -> bool:
        return True

    def status(self) -> str:
        return self._key_id

    def encrypt(self, plaintext: bytes) -> Wrapped:
        nonce = os.urandom(_NONCE_SIZE)
        sealed = self._aead.encrypt(nonce, plaintext, _WRAP_CONTEXT)
        return Wrapped(_WRAP_VERSION + nonce + sealed, self._key_id)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        if wrapped.key_id != self._key_id:
            raise DecryptionFailed(
                f"encrypted with key {wrapped.key_id!r}, this service holds {self._key_id!r}"
            )
        version, rest = wrapped.ciphertext[:1], wrapped.ciphertext[1:]
        if version != _WRAP_VERSION or len(rest) < _NONCE_SIZE:
            raise DecryptionFailed("the wrapped data key has an unknown form")
        try:
            return self._aead.decrypt(rest[:_NONCE_SIZE], rest[_NONCE_SIZE:], _WRAP_CONTEXT)
        except InvalidTag:
            raise DecryptionFailed("the wrapped data key is damaged") from None


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
