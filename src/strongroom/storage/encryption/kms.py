"""The KMS v2 envelope, byte for byte upstream's (apiserver/pkg/storage/value/encrypt).

A random seed is wrapped by the key service once and used for many values. Each value has a key
of its own, derived from the seed and 32 random bytes stored with it:

    encryptedData = info (32) + nonce (12) + AES-256-GCM(key, nonce, value, storage key)
    key           = HKDF-Expand-SHA256(seed, info, 32)

Because every key is used once, no number of writes can wear out AES-GCM's nonces, and reusing
a seed over restarts of a machine's snapshot is harmless.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.storage.encryption import envelope
from strongroom.storage.encryption.envelope import Source, SourceType
from strongroom.storage.encryption.keyservice import KeyService
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError, Plain
from strongroom.storage.encryption.stored import KMS_V2, prefix_of

_SEED_SIZE = 32
_INFO_SIZE = 32
_NONCE_SIZE = 12
_TAG_SIZE = 16
_BLOCK_SIZE = 64
_AES_KEY_SIZES = {16, 24, 32}
# Unwrapped data keys kept in memory: one for each start and rotation that wrote to the store.
_KEPT_KEYS = 1024


class _DataKey(Protocol):
    """Opens what was sealed with one data key."""

    def open(self, data: bytes, context: bytes) -> bytes: ...


class Seed:
    """Seals and opens values with keys derived from a seed."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) < _SEED_SIZE:
            raise DecryptionFailed("the seed is shorter than 32 bytes")
        # HMAC-SHA256 begun with the seed's two pads (RFC 2104), to be copied for each value: a
        # third of what the library's function takes, which fetches its digest anew each time.
        short = seed if len(seed) <= _BLOCK_SIZE else hashlib.sha256(seed).digest()
        padded = short.ljust(_BLOCK_SIZE, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def __repr__(self) -> str:
        return "Seed(…)"

    def seal(self, value: bytes, context: bytes) -> bytes:
        """Encrypt with a new key; `context` is authenticated, not stored."""
        fresh = os.urandom(_INFO_SIZE + _NONCE_SIZE)
        info, nonce = fresh[:_INFO_SIZE], fresh[_INFO_SIZE:]
        return fresh + self._cipher(info).encrypt(nonce, value, context)

    def open(self, data: bytes, context: bytes) -> bytes:
        """Decrypt. Raises: `DecryptionFailed`."""
        return _open(self._cipher(data[:_INFO_SIZE]), data[_INFO_SIZE:], context)

    def _cipher(self, info: bytes) -> AESGCM:
        # HKDF-Expand to one block is HMAC(seed, info || 0x01): RFC 5869, section 2.3.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(info + b"\x01")
        outer.update(inner.digest())
        return AESGCM(outer.digest())


class PlainKey:
    """Opens values sealed with the data key itself, as upstream before 1.28 wrote. Read only."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in _AES_KEY_SIZES:
            raise DecryptionFailed("the data key has a wrong size")
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "PlainKey(…)"

    def open(self, data: bytes, context: bytes) -> bytes:
        """Decrypt. Raises: `DecryptionFailed`."""
        return _open(self._cipher, data, context)


def _open(cipher: AESGCM, data: bytes, context: bytes) -> bytes:
    if len(data) < _NONCE_SIZE + _TAG_SIZE:
        raise DecryptionFailed("the stored value is cut short")
    try:
        return cipher.decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], context)
    except InvalidTag:
        raise DecryptionFailed(
            "the stored value is damaged or was stored under another key of the database"
        ) from None


@dataclass(frozen=True, slots=True)
class _Unwrapped:
    """A data key at hand, and by what it was wrapped."""

    key: _DataKey
    seeded: bool
    key_id: str


class KMSTransformer:
    """The `Transformer` of one KMS v2 provider; its stored bytes go behind `prefix`.

    Without a `lease` the key service is of this process: a seed is wrapped at once, so that one
    that does not work is found at start, and a new seed takes over after `max_writes` values.
    With one, it may be away for a while, at the start too. Then nothing here asks it but
    `refresh`, `rotate` and the reading of values under data keys not yet seen; values are written
    for `lease` seconds after it last said which key it uses, and are read for ever (upstream's
    rule, so that a key that was taken away is not written with).

    Values read with another key id or an older scheme are stale.
    """

    def __init__(
        self,
        name: str,
        service: KeyService,
        *,
        max_writes: int = 1 << 20,
        lease: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.prefix = prefix_of(KMS_V2, name)
        self._service = service
        self._max_writes = max_writes
        self._lease, self._monotonic = lease, monotonic
        self._until = float("-inf") if lease else float("inf")
        self._lock = threading.Lock()
        self._keys: OrderedDict[bytes, _Unwrapped] = OrderedDict()
        self._write: tuple[Seed, bytes] | None = None
        self._writes = 0
        self.key_id = ""
        if not lease:
            self.rotate()

    def __repr__(self) -> str:
        return f"KMSTransformer({self.prefix.decode()!r}, key_id={self.key_id!r})"

    @property
    def quick(self) -> bool:
        return self._service.quick

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        if self._service.quick:
            return False
        parts = envelope.split(value)
        return parts is None or parts[1] not in self._keys

    def asks_to_write(self, *, context: bytes) -> bool:
        return False

    def rotate(self) -> None:
        """Write with a new seed from now on. Raises: `KeyServiceError`."""
        self._begin("")

    def refresh(self) -> None:
        """Ask the key service for its key, and follow a rotation; call it every minute or so.

        What was in use stays in use when the answer is none. Raises: `KeyServiceError`.
        """
        until = self._monotonic() + self._lease
        key_id = self._service.status()
        worn = self._write is None or self._writes >= self._max_writes
        if worn or key_id != self.key_id:
            self._begin(key_id)
        if self._lease:
            self._until = until

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        if not self._lease and self._writes >= self._max_writes:
            self.rotate()
        if self._write is None or self._monotonic() > self._until:
            raise KeyServiceError(
                f"KMS provider {self.name!r} has not told its key for more than "
                f"{self._lease:g} s: nothing is encrypted until it does"
            )
        self._writes += 1
        seed, source = self._write
        return envelope.encode(seed.seal(value, context), source)

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        parts = envelope.split(value)
        if parts is not None:
            known = self._keys.get(parts[1])
            if known is not None:
                return Plain(known.key.open(parts[0], context), self._stale(known))
        data, source = envelope.decode(value)
        unwrapped = self._unwrap(source)
        return Plain(unwrapped.key.open(data, context), self._stale(unwrapped))

    def _stale(self, unwrapped: _Unwrapped) -> bool:
        return not unwrapped.seeded or unwrapped.key_id != self.key_id

    def _begin(self, expected: str) -> None:
        """Have a new seed wrapped, by the key of this id if one is given."""
        secret = os.urandom(_SEED_SIZE)
        wrapped = self._service.encrypt(secret)
        if expected and wrapped.key_id != expected:
            raise KeyServiceError(
                f"KMS provider {self.name!r} says that its key is {expected!r} and encrypts with "
                f"{wrapped.key_id!r}"
            )
        try:
            source = envelope.encode_source(
                Source(wrapped, SourceType.HKDF_SHA256_XNONCE_AES_GCM_SEED)
            )
        except ValueError as error:
            raise KeyServiceError(f"the key service's answer cannot be used: {error}") from error
        seed = Seed(secret)
        with self._lock:
            self.key_id = wrapped.key_id
            self._write = (seed, source)
            self._writes = 0
            self._keep(source, _Unwrapped(seed, seeded=True, key_id=wrapped.key_id))

    def _unwrap(self, source: Source) -> _Unwrapped:
        coded = envelope.encode_source(source)
        known = self._keys.get(coded)
        if known is not None:
            return known
        secret = self._service.decrypt(source.wrapped)
        seeded = source.type is SourceType.HKDF_SHA256_XNONCE_AES_GCM_SEED
        key: _DataKey = Seed(secret) if seeded else PlainKey(secret)
        made = _Unwrapped(key, seeded, source.wrapped.key_id)
        with self._lock:
            self._keep(coded, made)
        return made

    def _keep(self, source: bytes, unwrapped: _Unwrapped) -> None:
        self._keys[source] = unwrapped
        while len(self._keys) > _KEPT_KEYS:
            self._keys.popitem(last=False)
