"""Upstream's two schemes with a plain AES key, byte for byte (``encrypt/aes/aes.go``).

    aesgcm:  nonce (12) + AES-GCM(key, nonce, value, storage key)
    aescbc:  IV (16) + AES-CBC(key, IV, value padded as in PKCS #7)

They are here to read and write what kube-apiserver does under the same EncryptionConfiguration.
Our own default is the envelope of ``kms.py``, whose keys never wear out and can be exchanged.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from strongroom.storage.encryption.port import DecryptionFailed, Plain, Quick

KEY_SIZES = (16, 24, 32)
"""Bytes of an AES key."""

_NONCE = 12
_TAG = 16
_BLOCK = 16
_BLOCK_BITS = 128


class AESGCMTransformer(Quick):
    """Values under one AES-GCM key with random nonces.

    NIST SP 800-38D allows 2^32 values under such a key; nothing counts them, as upstream does not.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_checked(key))

    def __repr__(self) -> str:
        return "AESGCMTransformer(…)"

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, value, context)

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        if len(value) < _NONCE + _TAG:
            raise DecryptionFailed("the stored value is cut short")
        try:
            plain = self._cipher.decrypt(value[:_NONCE], value[_NONCE:], context)
        except InvalidTag:
            raise DecryptionFailed(
                "the key is another one, or the stored value is damaged or was stored under "
                "another key of the database"
            ) from None
        return Plain(plain, stale=False)


class AESCBCTransformer(Quick):
    """Values under one AES-CBC key.

    Nothing authenticates them: whoever can write to the database can change what is read, and a
    value stored under another key of the database is not noticed. Upstream's scheme is so.
    """

    def __init__(self, key: bytes) -> None:
        self._key = AES(_checked(key))

    def __repr__(self) -> str:
        return "AESCBCTransformer(…)"

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        padder = PKCS7(_BLOCK_BITS).padder()
        padded = padder.update(value) + padder.finalize()
        vector = os.urandom(_BLOCK)
        encryptor = Cipher(self._key, CBC(vector)).encryptor()
        return vector + encryptor.update(padded) + encryptor.finalize()

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        if len(value) < 2 * _BLOCK or len(value) % _BLOCK:
            raise DecryptionFailed("the stored value is cut short")
        decryptor = Cipher(self._key, CBC(value[:_BLOCK])).decryptor()
        padded = decryptor.update(value[_BLOCK:]) + decryptor.finalize()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        try:
            return Plain(unpadder.update(padded) + unpadder.finalize(), stale=False)
        except ValueError:
            # Without the cause: its context would keep what was decrypted in a traceback.
            raise DecryptionFailed(
                "the key is another one, or the stored value is damaged"
            ) from None


def _checked(key: bytes) -> bytes:
    if len(key) not in KEY_SIZES:
        raise ValueError("an AES key has 16, 24 or 32 bytes")
    return key
