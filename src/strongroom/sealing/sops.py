"""Manifests in the format of SOPS (getsops.io), encrypted to recipients of age.

    data key   32 random bytes, in an age file of its own for each recipient
    value      ENC[AES256_GCM,data:…,iv:…,tag:…,type:str], bound to its path in the document
    mac        over all values of the document in the clear, in their order, bound to the time

``sops -d`` opens it, edits it, and re-encrypts it to others. Only what ``encrypted_regex`` names is
encrypted: who may not read it sees of which keys it is.
"""

from __future__ import annotations

import base64
import io
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512, Hash

from strongroom.backup.age import Sealer
from strongroom.backup.age_keys import Recipient

ENCRYPTED = ("data", "stringData")
"""Parts of a Secret whose values are encrypted; to SOPS, so is a label that is called so."""

_REGEX = f"^({'|'.join(ENCRYPTED)})$"
_VERSION = "3.11.0"
"""The version of SOPS whose way of writing this is; files of it are read by all later ones."""
_NONCE, _TAG = 32, 16
_ARMOR = "AGE ENCRYPTED FILE"


def sealed(
    tree: Mapping[str, Any], recipients: Sequence[Recipient], now: datetime
) -> dict[str, Any]:
    """The manifest with its values encrypted, and what SOPS notes beside it.

    ``tree`` holds maps, text, numbers and truth values. Raises ValueError for anything else.
    """
    key = secrets.token_bytes(32)
    modified = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = Hash(SHA512())
    for value in _leaves(tree):
        digest.update(value)
    mac = digest.finalize().hex().upper()
    return {
        **_protected(key, tree, ()),
        "sops": {
            "age": [
                {"recipient": str(recipient), "enc": _armored(key, recipient)}
                for recipient in recipients
            ],
            "lastmodified": modified,
            "mac": _value(key, mac.encode(), modified),
            "encrypted_regex": _REGEX,
            "version": _VERSION,
        },
    }


def _leaves(part: Any) -> Iterator[bytes]:
    """All values as they are counted, in the order of the document."""
    if isinstance(part, Mapping):
        for value in part.values():
            yield from _leaves(value)
    elif isinstance(part, (str, bool, int)):
        # A truth value is written as Python does it, which SOPS was first written in.
        yield str(part).encode()
    else:
        raise ValueError(f"a manifest with a {type(part).__name__} in it")


def _protected(key: bytes, part: Any, path: tuple[str, ...]) -> Any:
    if isinstance(part, Mapping):
        return {name: _protected(key, value, (*path, name)) for name, value in part.items()}
    if not any(name in ENCRYPTED for name in path):
        return part
    # Nothing is left as it is: that is how SOPS knows nothing.
    return _value(key, str(part).encode(), ":".join(path) + ":") if part != "" else ""


def _value(key: bytes, plain: bytes, context: str) -> str:
    nonce = os.urandom(_NONCE)
    both = AESGCM(key).encrypt(nonce, plain, context.encode())
    parts = (both[:-_TAG], nonce, both[-_TAG:])
    data, iv, tag = (base64.b64encode(part).decode() for part in parts)
    return f"ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:str]"


def _armored(key: bytes, recipient: Recipient) -> str:
    """The data key in an age file, as text."""
    file = io.BytesIO()
    sealer = Sealer(file, recipient.lock)
    sealer.write(key)
    sealer.finish()
    coded = base64.b64encode(file.getvalue()).decode()
    lines = [coded[at : at + 64] for at in range(0, len(coded), 64)]
    return "\n".join([f"-----BEGIN {_ARMOR}-----", *lines, f"-----END {_ARMOR}-----", ""])
