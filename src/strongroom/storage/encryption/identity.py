"""The transformer that stores values as they are."""

from __future__ import annotations

from strongroom.storage.encryption.port import DecryptionFailed, Plain, Quick

# Upstream reserves this beginning for encrypted values; no encoding of an object begins so.
ENCRYPTED_PREFIX = b"k8s:enc:"


class IdentityTransformer(Quick):
    """Stores plaintext. Refuses to take an encrypted value for a plain one."""

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return value

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        if value.startswith(ENCRYPTED_PREFIX):
            raise DecryptionFailed("the stored value is encrypted, for none of the known providers")
        return Plain(value, stale=False)
