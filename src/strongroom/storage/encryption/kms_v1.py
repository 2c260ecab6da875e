"""The KMS v1 envelope, byte for byte upstream's (``encrypt/envelope/envelope.go``).

    length (2, big-endian) + data key as the plugin encrypted it + AES-GCM(data key, value)

Each value has a data key of its own, for which the plugin is asked at every write. Upstream has
deprecated it; it is here for stores that were written with it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Protocol

from strongroom.storage.encryption.aes import AESCBCTransformer, AESGCMTransformer
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError, Plain
from strongroom.storage.encryption.stored import KMS_V1, prefix_of

DEFAULT_CACHE = 1000
"""Data keys that are kept, as upstream does where nobody says otherwise."""

_KEY_SIZE = 32
_LONGEST = 0xFFFF


class KeyServiceV1(Protocol):
    """A plugin of the first version. Methods raise `KeyServiceError` and may take seconds."""

    def encrypt(self, plain: bytes) -> bytes: ...

    def decrypt(self, cipher: bytes) -> bytes: ...


class _DataKey:
    """Writes AES-GCM; reads AES-CBC too, which upstream wrote before 1.25."""

    def __init__(self, key: bytes) -> None:
        try:
            self.gcm, self._cbc = AESGCMTransformer(key), AESCBCTransformer(key)
        except ValueError as error:
            raise DecryptionFailed(f"the data key cannot be used: {error}") from error

    def open(self, value: bytes, context: bytes) -> Plain:
        try:
            return self.gcm.from_storage(value, context=context)
        except DecryptionFailed as failure:
            try:
                plain = self._cbc.from_storage(value, context=context)
            except DecryptionFailed:
                raise failure from None
            return Plain(plain.value, stale=True)


class KMSv1Transformer:
    """The `Transformer` of one KMS v1 provider; its stored bytes go behind `prefix`.

    `cache` data keys are kept; none when it is negative.
    """

    def __init__(self, name: str, service: KeyServiceV1, *, cache: int = DEFAULT_CACHE) -> None:
        self.name = name
        self.prefix = prefix_of(KMS_V1, name)
        self._service = service
        self._most = max(cache, 0)
        self._lock = threading.Lock()
        self._keys: OrderedDict[bytes, _DataKey] = OrderedDict()

    def __repr__(self) -> str:
        return f"KMSv1Transformer({self.prefix.decode()!r})"

    @property
    def quick(self) -> bool:
        return False

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        return _split(value)[0] not in self._keys

    def asks_to_write(self, *, context: bytes) -> bool:
        return True

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        secret = os.urandom(_KEY_SIZE)
        wrapped = self._service.encrypt(secret)
        if not 0 < len(wrapped) <= _LONGEST:
            raise KeyServiceError(f"KMS provider {self.name!r} gave a data key of no usable size")
        key = self._keep(wrapped, _DataKey(secret))
        sealed = key.gcm.to_storage(value, context=context)
        return len(wrapped).to_bytes(2, "big") + wrapped + sealed

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        wrapped, sealed = _split(value)
        if not wrapped:
            raise DecryptionFailed("the stored value is cut short")
        key = self._find(wrapped)
        if key is None:
            key = self._keep(wrapped, _DataKey(self._service.decrypt(wrapped)))
        return key.open(sealed, context)

    def _find(self, wrapped: bytes) -> _DataKey | None:
        with self._lock:
            key = self._keys.get(wrapped)
            if key is not None:
                self._keys.move_to_end(wrapped)
            return key

    def _keep(self, wrapped: bytes, key: _DataKey) -> _DataKey:
        with self._lock:
            self._keys[wrapped] = key
            while len(self._keys) > self._most:
                self._keys.popitem(last=False)
        return key


def _split(value: bytes) -> tuple[bytes, bytes]:
    """The wrapped data key and the rest; an empty key for what is cut short."""
    end = 2 + int.from_bytes(value[:2], "big")
    return (value[2:end], value[end:]) if 2 < end <= len(value) else (b"", b"")
