"""What a stored value tells of how it is encrypted, without any key.

k8s:enc:aescbc:v1:KEY:…    k8s:enc:aesgcm:v1:KEY:…    k8s:enc:secretbox:v1:KEY:…
k8s:enc:kms:v1:PROVIDER:…  k8s:enc:kms:v2:PROVIDER:… (an envelope with the key service's key id)
"""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.storage.encryption import envelope
from strongroom.storage.encryption.identity import ENCRYPTED_PREFIX
from strongroom.storage.encryption.port import DecryptionFailed

IDENTITY, UNKNOWN = "identity", "unknown"
KMS_V1, KMS_V2 = "kms v1", "kms v2"
NAMED = ("aescbc", "aesgcm", "secretbox")
"""The schemes whose stored values name a key of the EncryptionConfiguration."""

_LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """Scheme and key of a value. ``name`` is the key's, or the KMS provider's; ``key_id`` is what
    a KMS v2 provider calls its key."""

    scheme: str
    name: str = ""
    key_id: str = ""

    def __str__(self) -> str:
        if self.scheme == IDENTITY:
            return "not encrypted"
        if self.scheme in NAMED:
            return f"{self.scheme} key {self.name!r}"
        if self.scheme in (KMS_V1, KMS_V2):
            key = f", key {self.key_id!r}" if self.key_id else ""
            return f"{self.scheme} provider {self.name!r}{key}"
        return "an unknown scheme"


def prefix_of(scheme: str, name: str) -> bytes:
    """What values of a scheme begin with, under this name of a key or a KMS provider."""
    if scheme == IDENTITY:
        return b""
    words = scheme.replace(" ", ":") if scheme in (KMS_V1, KMS_V2) else f"{scheme}:v1"
    return ENCRYPTED_PREFIX + f"{words}:{name}:".encode()


def look(value: bytes) -> Stored:
    """How a value is stored. Never fails: what nobody knows is unknown."""
    if not value.startswith(ENCRYPTED_PREFIX):
        return Stored(IDENTITY)
    parts = value[: len(ENCRYPTED_PREFIX) + _LONGEST_NAME].split(b":", 5)
    if len(parts) < 6:
        return Stored(UNKNOWN)
    kind, version, name = (part.decode("utf-8", "replace") for part in parts[2:5])
    if kind in NAMED and version == "v1":
        return Stored(kind, name)
    if kind == "kms" and version == "v1":
        return Stored(KMS_V1, name)
    if kind == "kms" and version == "v2":
        start = len(prefix_of(KMS_V2, name))
        return Stored(KMS_V2, name, _key_id(value[start:]))
    return Stored(UNKNOWN)


def _key_id(coded: bytes) -> str:
    try:
        return envelope.decode(coded)[1].wrapped.key_id
    except DecryptionFailed:
        return ""
