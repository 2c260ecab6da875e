"""Upstream's scheme ``secretbox`` (``encrypt/secretbox/secretbox.go``): NaCl's, by PyNaCl.

    nonce (24) + XSalsa20-Poly1305(key, nonce, value)

What is read was written with the key. That it was written under this key of the database is not
told, which is upstream's scheme too.
"""

from __future__ import annotations

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from strongroom.storage.encryption.port import DecryptionFailed, Plain, Quick

KEY_SIZES = (32,)
"""Bytes of a key."""

_SHORTEST = SecretBox.NONCE_SIZE + SecretBox.MACBYTES


class SecretboxTransformer(Quick):
    """Values under one key, with random nonces that are too long to come twice."""

    def __init__(self, key: bytes) -> None:
        if len(key) not in KEY_SIZES:
            raise ValueError("a secretbox key has 32 bytes")
        self._box = SecretBox(key)

    def __repr__(self) -> str:
        return "SecretboxTransformer(…)"

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return bytes(self._box.encrypt(value))

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        if len(value) < _SHORTEST:
            raise DecryptionFailed("the stored value is cut short")
        try:
            return Plain(self._box.decrypt(value), stale=False)
        except CryptoError:
            raise DecryptionFailed(
                "the key is another one, or the stored value is damaged"
            ) from None
