"""A vault of Azure with one key, and the authority that gives tokens for it, over HTTPS.

Who comes without a token is told where there are some, as by Azure. RSA and AES are real.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from strongroom.server.certificates import Wanted, issue, make_ca
from tests.storage.encryption.clouds import Answer, Site

_TENANT = "00000000-0000-0000-0000-000000000002"
_TOKEN = "a-token"
_OAEP = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)


class AzureSite(Site):
    """``aes`` is a managed HSM's key. ``code`` answers every question about keys, if it is set."""

    def __init__(self, directory: Path, *, aes: bool = False) -> None:
        self.keys: dict[str, Any] = {}
        self.enabled, self.code, self.aes = True, 0, aes
        self.secret = "the-secret"
        self.ca = directory / "azure-ca.pem"
        super().__init__(self._answer, self._context(directory))
        self.rotate()

    @property
    def environment(self) -> dict[str, str]:
        """What Microsoft's client finds its credentials by."""
        return {
            "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
            "AZURE_TENANT_ID": _TENANT,
            "AZURE_CLIENT_SECRET": "the-secret",
            "AZURE_AUTHORITY_HOST": f"https://{self.address}",
            "REQUESTS_CA_BUNDLE": str(self.ca),
        }

    @property
    def uri(self) -> str:
        """The key, as settings name it."""
        more = "&algorithm=A256KW" if self.aes else ""
        return f"azurekms://{self.address}/keys/kek?instance-discovery=false&timeout=20s{more}"

    def rotate(self) -> None:
        """A new version of the key."""
        made = os.urandom(32) if self.aes else rsa.generate_private_key(65537, 2048)
        self.keys[f"{len(self.keys) + 1:032x}"] = made

    def _context(self, directory: Path) -> ssl.SSLContext:
        now = datetime.now(UTC)
        authority = make_ca(now, "azure of a test")
        self.ca.write_bytes(authority.certificate)
        pair = issue(authority, Wanted("azure", hosts=("127.0.0.1",), server=True), now)
        both = directory / "azure.pem"
        both.write_bytes(pair.certificate + pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def _answer(self, method: str, path: str, content: bytes, headers: Any) -> Answer:
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[0] != "keys":
            return self._login(parts, content)
        if headers.get("Authorization") != f"Bearer {_TOKEN}":
            where = f'Bearer authorization="https://{self.address}/{_TENANT}"'
            return 401, {}, {"WWW-Authenticate": f'{where}, resource="https://vault.azure.net"'}
        if self.code or parts[1] != "kek":
            return self.code or 404, {"error": {"code": "x", "message": str(content)}}, {}
        version = parts[2] if len(parts) > 2 else max(self.keys)
        if method == "GET":
            return self._bundle(version)
        return self._operation(version, parts[3], json.loads(content))

    def _login(self, parts: list[str], content: bytes) -> Answer:
        here = f"https://{self.address}/{parts[0]}"
        if parts[-1] == "openid-configuration":
            return 200, _metadata(here), {}
        if f"client_secret={self.secret}".encode() not in content:
            return 401, {"error": "invalid_client", "error_description": "no"}, {}
        return 200, {"access_token": _TOKEN, "expires_in": 3600, "token_type": "Bearer"}, {}

    def _bundle(self, version: str) -> Answer:
        key: dict[str, Any] = {
            "kid": f"https://{self.address}/keys/kek/{version}",
            "kty": "oct-HSM" if self.aes else "RSA",
            "key_ops": ["wrapKey", "unwrapKey"],
        }
        if not self.aes:
            numbers = self.keys[version].public_key().public_numbers()
            key |= {"n": _b64(numbers.n.to_bytes(256, "big")), "e": _b64(b"\1\0\1")}
        return 200, {"key": key, "attributes": {"enabled": self.enabled}}, {}

    def _operation(self, version: str, verb: str, asked: dict[str, Any]) -> Answer:
        if not self.enabled:
            return 403, {"error": {"code": "Forbidden", "message": "disabled"}}, {}
        key, value = self.keys[version], _plain(asked["value"])
        try:
            if self.aes:
                done = (aes_key_wrap if verb == "wrapkey" else aes_key_unwrap)(key, value)
            else:
                assert asked["alg"] == "RSA-OAEP-256"
                public = key.public_key()
                done = (
                    public.encrypt(value, _OAEP) if verb == "wrapkey" else key.decrypt(value, _OAEP)
                )
        except Exception:  # noqa: BLE001 - each cipher has its own, and all mean one answer
            return 400, {"error": {"code": "BadParameter", "message": "it is damaged"}}, {}
        return 200, {"kid": f"https://{self.address}/keys/kek/{version}", "value": _b64(done)}, {}


def _metadata(here: str) -> dict[str, Any]:
    return {
        "issuer": f"{here}/v2.0",
        "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
        "token_endpoint": f"{here}/oauth2/v2.0/token",
    }


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
