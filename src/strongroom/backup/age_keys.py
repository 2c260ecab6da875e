"""Keys of age: recipients (``age1…``) that files are encrypted to, identities that open them.

Those of age itself, which are X25519 keys (C2SP, age.md, "The X25519 recipient type"); a file may
have several recipients. Plugins' and SSH's keys are not known here.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from strongroom.backup import bech32
from strongroom.backup.age import BadFile, Stanza

X25519 = "X25519"
_PUBLIC, _PRIVATE = "age", "age-secret-key-"
_INFO = b"age-encryption.org/v1/X25519"
_SIZE = 32
_ZERO: Final = bytes(12)
_WRAPPED = 32
"""Bytes of a file's key (16) with its tag."""


class Recipient:
    """Whom files are encrypted to."""

    def __init__(self, public: bytes) -> None:
        self._public = public

    def __str__(self) -> str:
        return bech32.encoded(_PUBLIC, self._public)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipient) and other._public == self._public

    def __hash__(self) -> int:
        return hash(self._public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of ``age1…``. Raises ValueError."""
        public = bech32.decoded(_PUBLIC, text)
        if len(public) != _SIZE:
            raise ValueError("a recipient of age is of another length")
        # Points of small order are refused, whose shared secret everybody knows.
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(public))
        return cls(public)

    def lock(self, file_key: bytes) -> Stanza:
        """Wrap a file's key."""
        ours = X25519PrivateKey.generate()
        share = ours.public_key().public_bytes_raw()
        shared = ours.exchange(X25519PublicKey.from_public_bytes(self._public))
        key = _wrapping(shared, share, self._public)
        return Stanza((X25519, _b64(share)), ChaCha20Poly1305(key).encrypt(_ZERO, file_key, None))


class Identity:
    """The private half of a recipient."""

    def __init__(self, private: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(private)
        self._public = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"Identity({self.recipient})"

    @classmethod
    def make(cls) -> tuple[Self, str]:
        """A new one, and its text, ``AGE-SECRET-KEY-1…``."""
        private = secrets.token_bytes(_SIZE)
        return cls(private), bech32.encoded(_PRIVATE, private).upper()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of ``AGE-SECRET-KEY-1…``. Raises ValueError, which quotes nothing of it."""
        private = bech32.decoded(_PRIVATE, text)
        if len(private) != _SIZE:
            raise ValueError("an identity of age is of another length")
        return cls(private)

    @property
    def recipient(self) -> Recipient:
        """Whom this opens files of."""
        return Recipient(self._public)

    def unlock(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """The file's key; None where the file is not for this one. Raises BadFile."""
        for stanza in stanzas:
            if stanza.arguments[0] == X25519 and (found := self._unwrapped(stanza)) is not None:
                return found
        return None

    def _unwrapped(self, stanza: Stanza) -> bytes | None:
        try:
            _, coded = stanza.arguments
            share = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
            if _b64(share) != coded or len(share) != _SIZE or len(stanza.body) != _WRAPPED:
                raise ValueError
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise BadFile("the file's header is damaged") from None
        key = _wrapping(shared, share, self._public)
        try:
            return ChaCha20Poly1305(key).decrypt(_ZERO, stanza.body, None)
        except InvalidTag:
            return None


def unlock_by(identities: Sequence[Identity], stanzas: Sequence[Stanza]) -> bytes:
    """The file's key, by whichever identity it is for. Raises BadFile."""
    for identity in identities:
        if (found := identity.unlock(stanzas)) is not None:
            return found
    raise BadFile("the file is not encrypted to any of these identities")


def identities(text: str) -> list[Identity]:
    """Those of an identity file of age, as ``age-keygen`` writes it.

    Raises ValueError for a file with anything else in it, or without one.
    """
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            try:
                found.append(Identity.parse(line))
            except ValueError:
                raise ValueError(
                    f"line {number} is no identity of age (AGE-SECRET-KEY-1…); those of plugins, "
                    "of SSH and under a passphrase are not known here"
                ) from None
    if not found:
        raise ValueError("there is no identity in it")
    return found


def _wrapping(shared: bytes, share: bytes, public: bytes) -> bytes:
    return HKDF(SHA256(), 32, share + public, _INFO).derive(shared)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")
