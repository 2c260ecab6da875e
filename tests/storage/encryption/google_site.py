"""Google Cloud KMS with one key, whose versions a test makes and disables, over plain HTTP."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.storage.encryption.clouds import Answer, Site

NAME = "projects/p/locations/europe-west1/keyRings/room/cryptoKeys/kek"


class GoogleSite(Site):
    """``lies`` adds to an answer what is not so."""

    def __init__(self) -> None:
        self.keys = [AESGCM(os.urandom(32))]
        self.disabled: set[int] = set()
        self.code = 0
        self.lies: dict[str, Any] = {}
        super().__init__(self._answer)

    @property
    def uri(self) -> str:
        """The key, as settings name it."""
        return f"gcpkms://{NAME}?endpoint=http://{self.address}&timeout=20s"

    def _answer(self, method: str, path: str, content: bytes, headers: Any) -> Answer:
        name, _, verb = path.partition("?")[0].removeprefix("/v1/").partition(":")
        if self.code or name != NAME:
            return self.code or 404, {"error": {"message": "what was sent: " + str(content)}}, {}
        asked: dict[str, Any] = json.loads(content)
        aad = base64.b64decode(asked["additionalAuthenticatedData"])
        assert int(asked["additionalAuthenticatedDataCrc32c"]) == google_crc32c.value(aad)
        return (self._encrypt if verb == "encrypt" else self._decrypt)(asked, aad)

    def _encrypt(self, asked: dict[str, Any], aad: bytes) -> Answer:
        plain, number = base64.b64decode(asked["plaintext"]), len(self.keys)
        assert int(asked["plaintextCrc32c"]) == google_crc32c.value(plain)
        if number in self.disabled:
            return 400, {"error": {"status": "FAILED_PRECONDITION"}}, {}
        nonce = os.urandom(12)
        sealed = bytes([number]) + nonce + self.keys[-1].encrypt(nonce, plain, aad)
        told = {
            "name": f"{NAME}/cryptoKeyVersions/{number}",
            "ciphertext": base64.b64encode(sealed).decode(),
            "ciphertextCrc32c": str(google_crc32c.value(sealed)),
            "verifiedPlaintextCrc32c": True,
            "verifiedAdditionalAuthenticatedDataCrc32c": True,
        }
        return 200, told | self.lies, {}

    def _decrypt(self, asked: dict[str, Any], aad: bytes) -> Answer:
        sealed = base64.b64decode(asked["ciphertext"])
        assert int(asked["ciphertextCrc32c"]) == google_crc32c.value(sealed)
        number, nonce, rest = sealed[0], sealed[1:13], sealed[13:]
        try:
            if number in self.disabled:
                raise InvalidTag
            plain = self.keys[number - 1].decrypt(nonce, rest, aad)
        except (InvalidTag, IndexError):
            return 400, {"error": {"status": "INVALID_ARGUMENT"}}, {}
        told = {
            "plaintext": base64.b64encode(plain).decode(),
            "plaintextCrc32c": str(google_crc32c.value(plain)),
        }
        return 200, told | self.lies, {}
