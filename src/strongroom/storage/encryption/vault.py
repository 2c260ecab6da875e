"""A key in the transit engine of Vault or OpenBao, which never leaves it.

What Vault says of a failure is not told on, but for its code: it has seen what it was asked to
encrypt. Each question has a connection of its own: there are a few in a minute.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.vault_link import Denied, Refused, VaultLink
from strongroom.storage.encryption.vault_login import Login

_CIPHERTEXT = re.compile(r"vault:v([1-9]\d{0,9}):[0-9A-Za-z+/=]+")
_PROBE = b"strongroom: can this key be used?"


@dataclass(frozen=True, slots=True)
class TransitKey:
    """A key by the path of its engine, and its name."""

    mount: str
    name: str

    def __str__(self) -> str:
        return f"{self.mount}/keys/{self.name}"

    def id(self, version: str) -> str:
        """What a version of it is called in what is stored."""
        return f"vault:{self.mount}/{self.name}:v{version}"


class Vault:
    """A `KeyService` that asks Vault. Every method may take the link's timeout a few times."""

    def __init__(self, link: VaultLink, login: Login, key: TransitKey) -> None:
        self._link, self._login, self._key = link, login, key

    def __repr__(self) -> str:
        return f"Vault({self._link.address!r}, {str(self._key)!r})"

    @property
    def quick(self) -> bool:
        """It is another machine."""
        return False

    def close(self) -> None:
        """Nothing is kept open."""

    def status(self) -> str:
        """The id of the version that encrypts.

        It is taken from what is encrypted, and that is decrypted: so the rights to do both are
        known to be there, and no more rights are needed.
        """
        self._exists()
        wrapped = self.encrypt(_PROBE)
        if self.decrypt(wrapped) != _PROBE:
            raise KeyServiceError(f"{self._where} does not decrypt what it encrypted")
        return wrapped.key_id

    def encrypt(self, plaintext: bytes) -> Wrapped:
        text = base64.b64encode(plaintext).decode()
        try:
            answer = self._ask("encrypt", {"plaintext": text})
        except Refused as error:
            raise KeyServiceError(
                f"{self._where} cannot encrypt (HTTP {error.code}): it has to be a key that "
                "encrypts, without derivation"
            ) from None
        found = answer.get("ciphertext")
        parts = _CIPHERTEXT.fullmatch(found) if isinstance(found, str) else None
        if parts is None:
            raise KeyServiceError(f"{self._where} answers encrypt in a form that nobody knows")
        return Wrapped(parts[0].encode(), self._key.id(parts[1]))

    def decrypt(self, wrapped: Wrapped) -> bytes:
        parts = _CIPHERTEXT.fullmatch(wrapped.ciphertext.decode("ascii", "replace"))
        if parts is None or wrapped.key_id != self._key.id(parts[1]):
            raise DecryptionFailed(
                f"encrypted with key {wrapped.key_id!r}, this service holds {self._key.id('…')!r}"
            )
        try:
            answer = self._ask("decrypt", {"ciphertext": parts[0]})
        except Refused as error:
            raise DecryptionFailed(
                f"{self._where} does not decrypt what was encrypted with {wrapped.key_id!r} "
                f"(HTTP {error.code}): it is damaged, or that version is not to be used any more"
            ) from None
        try:
            return base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, binascii.Error, ValueError):
            raise KeyServiceError(
                f"{self._where} answers decrypt in a form that nobody knows"
            ) from None

    @property
    def _where(self) -> str:
        return f"Vault at {self._link.address}, {self._key}"

    def _exists(self) -> None:
        """Find out whether there is a key, as far as one may know.

        To encrypt with one that is missing makes it, for whoever has the right to: everything that
        was encrypted before would seem lost, and what is written now could not be read with the
        key that comes back from a backup.
        """
        try:
            self._login.ask("GET", f"{self._key.mount}/keys/{self._key.name}")
        except Denied:
            return
        except Refused as error:
            raise KeyServiceError(
                f"{self._where}: there is no such key (HTTP {error.code})"
            ) from None

    def _ask(self, verb: str, body: dict[str, str]) -> dict[str, Any]:
        try:
            answer = self._login.ask("POST", f"{self._key.mount}/{verb}/{self._key.name}", body)
        except Denied:
            raise KeyServiceError(f"{self._where}: {verb} is denied to us (HTTP 403)") from None
        data = answer.get("data")
        return data if isinstance(data, dict) else {}
