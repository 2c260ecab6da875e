"""Key files under a passphrase: a key is derived from it by Argon2id (RFC 9106) and seals the rest.

    strongroom sealed keys, version 1
    kdf: argon2id memory=65536 iterations=3 lanes=4
    salt: <base64 of 16 bytes>
    sealed: <see sealedtext.py>

The second line says how the key is derived, so that later files may ask for more work.
"""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from strongroom.storage.encryption.port import KeyServiceError, PassphraseWrong
from strongroom.storage.encryption.seal import (
    FIRST_LINES,
    PASSPHRASE,
    check_sealed_by,
    damaged,
)
from strongroom.storage.encryption.sealedtext import (
    KEY_SIZE,
    decoded,
    head_of,
    sealed_data,
    unsealed,
    with_sealed,
)

SHORTEST = 8
"""Bytes of a passphrase that keys may newly be sealed under."""

_SALT_SIZE = 16
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
            return with_sealed(self._head, self._key, keys)

    def _begin(self) -> None:
        passphrase = self._passphrase()
        if len(passphrase) < SHORTEST:
            raise KeyServiceError(f"a passphrase has at least {SHORTEST} bytes")
        salt = os.urandom(_SALT_SIZE)
        self._key = _derive(passphrase, self._work, salt)
        coded = base64.b64encode(salt).decode()
        self._head = head_of((FIRST_LINES[PASSPHRASE], f"kdf: {self._work}", f"salt: {coded}"))


def _parse(path: Path, content: bytes) -> _Sealed:
    check_sealed_by(PASSPHRASE, path, content)
    lines = content.decode("ascii", "replace").splitlines()
    kdf = _KDF.fullmatch(lines[1]) if len(lines) == 4 else None
    if kdf is None:
        raise damaged(path)
    work = Work(*(int(number) for number in kdf.groups()))
    salt, data = decoded(lines[2], "salt: "), sealed_data(lines[3])
    if not _bearable(work) or len(salt) != _SALT_SIZE or not data:
        raise damaged(path)
    return _Sealed(head_of(lines[:3]), work, salt, data)


def _bearable(work: Work) -> bool:
    return 8 * work.lanes <= work.memory <= _MOST_MEMORY and work.iterations > 0 < work.lanes


def _derive(passphrase: bytes, work: Work, salt: bytes) -> bytes:
    return Argon2id(
        salt=salt,
        length=KEY_SIZE,
        iterations=work.iterations,
        lanes=work.lanes,
        memory_cost=work.memory,
    ).derive(passphrase)


def _open(path: Path, found: _Sealed, key: bytes) -> bytes:
    keys = unsealed(found.head, key, found.data)
    if keys is None:
        raise _wrong(path)
    return keys


def _wrong(path: Path) -> PassphraseWrong:
    return PassphraseWrong(
        f"the passphrase does not open the key file {path}: it is another one, or the file is "
        "damaged (then restore it from its backup)"
    )
