"""One key, and what it wraps."""

from __future__ import annotations

import pytest

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import DecryptionFailed


def test_damaged_wraps_are_refused() -> None:
    service = LocalKey(b"k" * 32)
    wrapped = service.encrypt(b"seed")
    for position in range(len(wrapped.ciphertext)):
        damaged = bytearray(wrapped.ciphertext)
        damaged[position] ^= 0x80
        with pytest.raises(DecryptionFailed):
            service.decrypt(Wrapped(bytes(damaged), wrapped.key_id))
        with pytest.raises(DecryptionFailed):
            service.decrypt(Wrapped(wrapped.ciphertext[:position], wrapped.key_id))


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32"):
        LocalKey(b"short")
