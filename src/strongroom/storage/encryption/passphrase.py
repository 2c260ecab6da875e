"""Key files under a passphrase: a key is derived from it by Argon2id (RFC 9106) and seals the rest.

    strongroom sealed keys, version 1
    kdf: argon2id memory=65536 iterations=3 lanes=4
    salt: <base64 of 16 bytes>
    sealed: <base64 of nonce (12), AES-256-GCM of the key file in the clear>

The first three lines are authenticated with the sealed keys. They say how the key is derived, so
that later files may ask for more work.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from strongroom.storage.encryption.port import (
    KeyFileDamaged,
    KeyFileSealed,
    KeyServiceError,
    PassphraseWrong,
)
from strongroom.storage.encryption.seal import SEALED, is_sealed

SHORTEST = 8
"""Bytes of a passphrase that keys may newly be sealed under."""

_SALT_SIZE, _NONCE_SIZE, _KEY_SIZE = 16, 12, 32
_KDF = re.compile(r"kdf: argon2id memory=(\d{1,7}) iterations=(\d{1,3}) lanes=(\d{1,2})")
_MOST_MEMORY = 4 << 20
"""KiB that a file may ask for: no file is to bring the machine down."""


@dataclass(frozen=True, slots=True)
class Work:
    """What deriving a key costs: memory in KiB, passes over it, and lanes.

    The default is the second recommendation of RFC 9106, section 4: 64 MiB, three passes.
    """

    memory: int = 1 << 16
    iterations: int = 3
    lanes: int = 4

    def __str__(self) -> str:
        return f"argon2id memory={self.memory} iterations={self.iterations} lanes={self.lanes}"


@dataclass(frozen=True, slots=True)
class _Sealed:
    head: bytes
    work: Work
    salt: bytes
    data: bytes = field(repr=False)


class PassphraseSeal:
    """A `Seal` under a passphrase, which ``passphrase`` tells (see ``passphrasefile.py``).

    What was derived is kept, so that a file that another process changed is read again without
    that work, and without a passphrase that can be read only once. Safe for threads.
    """

    def __init__(self, passphrase: Callable[[], bytes], work: Work | None = None) -> None:
        self._passphrase, self._work = passphrase, work or Work()
        self._head, self._key = b"", b""
        self._refused: tuple[bytes, bytes] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "PassphraseSeal(…)"

    def opened(self, path: Path, content: bytes) -> bytes:
        found = _parse(path, content)
        with self._lock:
            if found.head == self._head:
                return _open(path, found, self._key)
            passphrase = self._passphrase()
            # A file that is looked at again and again is not worth the same work each time.
            if self._refused == (content, passphrase):
                raise _wrong(path)
            key = _derive(passphrase, found.work, found.salt)
            try:
                keys = _open(path, found, key)
            except PassphraseWrong:
                self._refused = content, passphrase
                raise
            self._head, self._key, self._refused = found.head, key, None
            return keys

    def closed(self, keys: bytes) -> bytes:
        with self._lock:
            if not self._head:
                self._begin()
            nonce = os.urandom(_NONCE_SIZE)
            data = nonce + AESGCM(self._key).encrypt(nonce, keys, self._head)
            return self._head + b"sealed: " + base64.b64encode(data) + b"\n"

    def _begin(self) -> None:
        passphrase = self._passphrase()
        if len(passphrase) < SHORTEST:
            raise KeyServiceError(f"a passphrase has at least {SHORTEST} bytes")
        salt = os.urandom(_SALT_SIZE)
        self._key = _derive(passphrase, self._work, salt)
        lines = (SEALED, f"kdf: {self._work}", f"salt: {base64.b64encode(salt).decode()}")
        self._head = "".join(f"{line}\n" for line in lines).encode()


def _parse(path: Path, content: bytes) -> _Sealed:
    if not is_sealed(content):
        raise KeyFileSealed(
            f"the key file {path} is not sealed under a passphrase: name it as file:{path}, or "
            f"seal it with `strongroom keys passphrase {path}`"
        )
    lines = content.decode("ascii", "replace").splitlines()
    kdf = _KDF.fullmatch(lines[1]) if len(lines) == 4 else None
    if kdf is None:
        raise _damaged(path)
    work = Work(*(int(number) for number in kdf.groups()))
    salt, data = _decoded(lines[2], "salt: "), _decoded(lines[3], "sealed: ")
    head = "".join(f"{line}\n" for line in lines[:3]).encode()
    if not _bearable(work) or len(salt) != _SALT_SIZE or len(data) < _NONCE_SIZE:
        raise _damaged(path)
    return _Sealed(head, work, salt, data)


def _bearable(work: Work) -> bool:
    return 8 * work.lanes <= work.memory <= _MOST_MEMORY and work.iterations > 0 < work.lanes


def _decoded(line: str, name: str) -> bytes:
    """The bytes of a line; b"" for one that is not this one."""
    text = line.removeprefix(name).encode()
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if compare_digest(base64.b64encode(found), text) else b""


def _derive(passphrase: bytes, work: Work, salt: bytes) -> bytes:
    return Argon2id(
        salt=salt,
        length=_KEY_SIZE,
        iterations=work.iterations,
        lanes=work.lanes,
        memory_cost=work.memory,
    ).derive(passphrase)


def _open(path: Path, found: _Sealed, key: bytes) -> bytes:
    nonce, sealed = found.data[:_NONCE_SIZE], found.data[_NONCE_SIZE:]
    try:
        return AESGCM(key).decrypt(nonce, sealed, found.head)
    except InvalidTag:
        raise _wrong(path) from None


def _wrong(path: Path) -> PassphraseWrong:
    return PassphraseWrong(
        f"the passphrase does not open the key file {path}: it is another one, or the file is "
        "damaged (then restore it from its backup)"
    )


def _damaged(path: Path) -> KeyFileDamaged:
    return KeyFileDamaged(
        f"the key file {path} is damaged: restore it from its backup, do not make a new one"
    )
