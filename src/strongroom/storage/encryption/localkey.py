"""A key-encryption key of our own, as it stands in a key file (see ``keyring.py``)."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed

_KEY_SIZE = 32
_NONCE_SIZE = 12
# Marks the wrapped form, so that a later form can be told apart.
_WRAP_VERSION = b"\x01"
_WRAP_CONTEXT = b"strongroom local key wrap v1"
_ID_CONTEXT = b"strongroom local key id v1"


class LocalKey:
    """A `KeyService` that wraps with AES-256-GCM under one key.

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
    def make(cls) -> tuple[Self, str]:
        """A new key, and its two lines of a key file, which hold it in the clear."""
        key = secrets.token_bytes(_KEY_SIZE)
        made = cls(key)
        return made, f"id: {made.status()}\nkey: {base64.b64encode(key).decode()}\n"

    @classmethod
    def parse(cls, id_line: str, key_line: str) -> Self:
        """The key of two lines of a key file. Raises: ValueError, without them."""
        key_id, key = id_line.removeprefix("id: "), key_line.removeprefix("key: ")
        try:
            raw = base64.b64decode(key, validate=True)
            made = cls(raw)
        except (binascii.Error, ValueError):
            # Without the cause: its context would keep the key's text in a traceback.
            raise ValueError("no such lines") from None
        # The last digit has bits that decoding leaves out: a change of those is one too.
        intact = compare_digest(base64.b64encode(raw), key.encode())
        if not intact or not compare_digest(made.status().encode(), key_id.encode()):
            raise ValueError("no such lines")
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
