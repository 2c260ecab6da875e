"""What key files of ours under a seal have in common: lines, the last of which holds the keys.

    …                   lines that say how the key to the rest is come by
    sealed: <base64 of nonce (12), AES-256-GCM of the key file in the clear>

The lines before it are authenticated with the sealed keys.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 32
_NONCE_SIZE = 12


def head_of(lines: Sequence[str]) -> bytes:
    """The lines before the last one."""
    return "".join(f"{line}\n" for line in lines).encode()


def with_sealed(head: bytes, key: bytes, keys: bytes) -> bytes:
    """A whole file."""
    nonce = os.urandom(_NONCE_SIZE)
    data = nonce + AESGCM(key).encrypt(nonce, keys, head)
    return head + b"sealed: " + base64.b64encode(data) + b"\n"


def sealed_data(line: str) -> bytes:
    """What the last line holds, as `unsealed` takes it; b"" for a line that is damaged."""
    found = decoded(line, "sealed: ")
    return found if len(found) > _NONCE_SIZE else b""


def unsealed(head: bytes, key: bytes, data: bytes) -> bytes | None:
    """The keys in the clear; None where the key is another one, or anything was changed."""
    try:
        return AESGCM(key).decrypt(data[:_NONCE_SIZE], data[_NONCE_SIZE:], head)
    except InvalidTag:
        return None


def decoded(line: str, name: str) -> bytes:
    """The bytes of a line in base64; b"" for one that is not this one."""
    text = line.removeprefix(name).encode()
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if compare_digest(base64.b64encode(found), text) else b""
