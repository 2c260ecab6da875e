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

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed

_MAX_KEY_ID = 1024
_MAX_SOURCE = 1024
_MAX_ANNOTATIONS = 32 * 1024
# Annotation names are domain names with a dot in them.
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+\.?")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


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
    coded = _bytes_field(2, wrapped.key_id.encode()) + _bytes_field(3, wrapped.ciphertext)
    for name in sorted(wrapped.annotations):
        entry = _bytes_field(1, name.encode()) + _bytes_field(2, wrapped.annotations[name])
        coded += _bytes_field(4, entry)
    if source.type:
        coded += b"\x28" + _varint(source.type)
    return coded


def encode(data: bytes, source: bytes) -> bytes:
    """An envelope, from the encrypted data and the coded source."""
    return b"\x0a" + _varint(len(data)) + data + source


def split(envelope: bytes) -> tuple[bytes, bytes] | None:
    """Encrypted data and coded source, when field 1 comes first as every known writer puts it."""
    if envelope[:1] != b"\x0a":
        return None
    length, start = _read_varint(envelope, 1)
    end = start + length
    return (envelope[start:end], envelope[end:]) if end <= len(envelope) else None


def decode(envelope: bytes) -> tuple[bytes, Source]:
    """Encrypted data and source of an envelope in any order of fields.

    Raises: `DecryptionFailed` for what is no such message or breaks upstream's limits.
    """
    data = ciphertext = key_id = b""
    kind = 0
    annotations: dict[str, bytes] = {}
    for number, value in _fields(envelope):
        match number, value:
            case 1, bytes():
                data = value
            case 2, bytes():
                key_id = value
            case 3, bytes():
                ciphertext = value
            case 4, bytes():
                entry = dict(_fields(value))
                annotations[_text(entry.get(1, b""))] = _expect_bytes(entry.get(2, b""))
            case 5, int():
                kind = value
            case ((1 | 2 | 3 | 4 | 5), _):
                raise DecryptionFailed("the envelope has a field of a wrong type")
    if kind not in tuple(SourceType):
        raise DecryptionFailed("the envelope has an unknown kind of data key")
    source = Source(Wrapped(ciphertext, _text(key_id), annotations), SourceType(kind))
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


def _varint(number: int) -> bytes:
    coded = bytearray()
    while number > 0x7F:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)


def _bytes_field(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | _BYTES,)) + _varint(len(value)) + value


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise DecryptionFailed("the envelope is cut short or damaged")


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Number and value of each field, in the order of the message."""
    fields: list[tuple[int, int | bytes]] = []
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            number, position = _read_varint(data, position)
            fields.append((tag >> 3, number))
            continue
        if kind == _BYTES:
            length, position = _read_varint(data, position)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise DecryptionFailed("the envelope has a field of an unknown form")
        if position + length > len(data):
            raise DecryptionFailed("the envelope is cut short or damaged")
        fields.append((tag >> 3, data[position : position + length]))
        position += length
    return fields


def _expect_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise DecryptionFailed("the envelope has a field of a wrong type")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _expect_bytes(value).decode()
    except UnicodeDecodeError:
        raise DecryptionFailed("the envelope has text that is not UTF-8") from None
