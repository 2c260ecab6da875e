"""The stored form of KMS v2: upstream's protobuf message EncryptedObject, coded by hand.

    message EncryptedObject {
      bytes encryptedData = 1;
      string keyID = 2;
      bytes encryptedDEKSource = 3;
      map<string, bytes> annotations = 4;
      EncryptedDEKSourceType encryptedDEKSourceType = 5;   // 0: AES-GCM key, 1: HKDF seed
    }

Fields 2 to 5 are the same for every value under one data key. They are coded once, and reading
uses their bytes as they stand to find the data key: see `split`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed

_MAX_KEY_ID = 1024
_MAX_SOURCE = 1024
_MAX_ANNOTATIONS = 32 * 1024
# Annotation names are domain names with a dot in them.
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+\.?")


class SourceType(IntEnum):
    """What the wrapped key is."""

    AES_GCM_KEY = 0
    HKDF_SHA256_XNONCE_AES_GCM_SEED = 1


@dataclass(frozen=True, slots=True)
class Source:
    """The data key of an envelope, as wrapped by the key service."""

    wrapped: Wrapped
    type: SourceType


def encode_source(source: Source) -> bytes:
    """Fields 2 to 5. Raises: ValueError when the key service's answer breaks upstream's limits."""
    problem = _problem(source)
    if problem:
        raise ValueError(problem)
    wrapped = source.wrapped
    coded = wire.field(2, wrapped.key_id.encode()) + wire.field(3, wrapped.ciphertext)
    coded += wire.map_field(4, wrapped.annotations)
    if source.type:
        coded += b"\x28" + wire.varint(source.type)
    return coded


def encode(data: bytes, source: bytes) -> bytes:
    """An envelope, from the encrypted data and the coded source."""
    return wire.field(1, data) + source


def split(envelope: bytes) -> tuple[bytes, bytes] | None:
    """Encrypted data and coded source, when field 1 comes first as every known writer puts it."""
    if envelope[:1] != b"\x0a":
        return None
    try:
        length, start = wire.read_varint(envelope, 1)
    except wire.WireError as error:
        raise _malformed(error) from None
    end = start + length
    return (envelope[start:end], envelope[end:]) if end <= len(envelope) else None


def decode(envelope: bytes) -> tuple[bytes, Source]:
    """Encrypted data and source of an envelope in any order of fields.

    Raises: `DecryptionFailed` for what is no such message or breaks upstream's limits.
    """
    try:
        fields = wire.read(envelope)
        data, ciphertext = fields.data(1), fields.data(3)
        wrapped = Wrapped(ciphertext, fields.text(2), fields.map(4))
        kind = fields.number(5)
    except wire.WireError as error:
        raise _malformed(error) from None
    if kind not in tuple(SourceType):
        raise DecryptionFailed("the envelope has an unknown kind of data key")
    source = Source(wrapped, SourceType(kind))
    problem = _problem(source) or ("" if data else "the encrypted data is empty")
    if problem:
        raise DecryptionFailed(f"the envelope is invalid: {problem}")
    return data, source


def _problem(source: Source) -> str:
    """What upstream's validation would say against a source; empty when nothing."""
    wrapped = source.wrapped
    if not 0 < len(wrapped.key_id.encode()) <= _MAX_KEY_ID:
        return "the key id is empty or longer than 1 KiB"
    if not 0 < len(wrapped.ciphertext) <= _MAX_SOURCE:
        return "the wrapped data key is empty or longer than 1 KiB"
    size = sum(len(name) + len(value) for name, value in wrapped.annotations.items())
    if size > _MAX_ANNOTATIONS:
        return "the annotations are longer than 32 KiB"
    if not all(_DOMAIN.fullmatch(name) for name in wrapped.annotations):
        return "an annotation's name is not a fully qualified domain name"
    return ""


def _malformed(error: wire.WireError) -> DecryptionFailed:
    return DecryptionFailed(f"the envelope {error}")
