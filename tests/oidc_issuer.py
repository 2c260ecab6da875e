"""An OpenID Connect issuer on loopback: HTTPS with an authority of its own, discovery, a key set.

It signs with cryptography alone, so that what verifies its tokens is not what made them.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.server.certificates import Pair, Wanted, issue, make_ca
from tests.loopback import serving

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: dict[str, tuple[type[ec.EllipticCurve], str, int]] = {
    "ES256": (ec.SECP256R1, "P-256", 32),
    "ES384": (ec.SECP384R1, "P-384", 48),
    "ES512": (ec.SECP521R1, "P-521", 66),
}


def text(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@functools.cache
def private_key(kind: str, number: int = 0) -> PrivateKey:
    """A key: ``RSA`` or an algorithm of elliptic curves; made once, as RSA keys take long."""
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(_CURVES[kind][0]())


def jwk(key: PrivateKey, kid: str, **more: str) -> dict[str, str]:
    """The public part, as a key set tells it."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        parts = {"kty": "RSA", "n": _number(numbers.n, 256), "e": text(b"\x01\x00\x01")}
    else:
        name, size = next(c[1:] for c in _CURVES.values() if isinstance(key.curve, c[0]))
        point = key.public_key().public_numbers()
        parts = {"kty": "EC", "crv": name, "x": _number(point.x, size), "y": _number(point.y, size)}
    return parts | {"kid": kid, "use": "sig"} | more


def _number(value: int, size: int) -> str:
    return text(value.to_bytes(size, "big"))


def sign(key: PrivateKey, claims: Any, algorithm: str, **header: Any) -> str:
    """A token. ``none`` and ``HS256`` (with the public key as the secret) are attacks."""
    told = json.dumps({"alg": algorithm, "typ": "JWT"} | header).encode()
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{text(told)}.{text(body)}"
    return f"{signed}.{text(_signature(key, signed.encode(), algorithm))}"


def _signature(key: PrivateKey, message: bytes, algorithm: str) -> bytes:
    if algorithm == "none":
        return b""
    if algorithm == "HS256":
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(pem, message, hashlib.sha256)
    digest = _HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = _CURVES[algorithm][2]
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if algorithm.startswith("PS"):
        return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(message, padding.PKCS1v15(), digest)


class LocalIssuer:
    """The issuer. Whatever it says may be changed while it runs."""

    def __init__(self, pem: str) -> None:
        self.authority = pem
        self.url = ""
        self.says: dict[str, Any] = {}
        """What discovery says in place of the truth."""
        self.keys = [jwk(private_key("RSA"), "rsa")]
        self.away = False
        self.asked: list[str] = []
        """The paths that were asked for, each with its authorization."""
        self.others: dict[str, str] = {}
        """What lies at further paths."""
        self.hold = asyncio.Event()
        self.hold.set()

    def claims(self, **more: Any) -> dict[str, Any]:
        """What a good token says, for five minutes."""
        now = int(time.time())
        base = {"iss": self.url, "aud": "room", "sub": "jane", "iat": now, "exp": now + 300}
        told = base | more
        return {name: value for name, value in told.items() if value is not ...}

    def token(self, **more: Any) -> str:
        """A token that holds but for ``more``, where ``...`` leaves a claim out."""
        return sign(private_key("RSA"), self.claims(**more), "RS256", kid="rsa")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        await self.hold.wait()
        if self.away:
            raise web.HTTPServiceUnavailable
        if request.path.endswith("/.well-known/openid-configuration"):
            return web.json_response(
                {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.says
            )
        if request.path == "/keys":
            return web.json_response({"keys": self.keys})
        if request.path == "/moved":
            raise web.HTTPFound(f"{self.url}/keys")
        if request.path in self.others:
            if request.headers.get("Authorization", "Bearer open") != "Bearer open":
                raise web.HTTPUnauthorized
            return web.Response(text=self.others[request.path])
        raise web.HTTPNotFound


def _serving(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "pair.pem")
        path.touch(mode=0o600)
        path.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(path)
    return context


@asynccontextmanager
async def issuing() -> AsyncIterator[LocalIssuer]:
    """An issuer that runs."""
    now = datetime.now(UTC)
    authority = make_ca(now, "issuer-ca")
    pair = issue(authority, Wanted("issuer", hosts=("127.0.0.1",), server=True), now)
    context = _serving(pair)
    issuer = LocalIssuer(authority.certificate.decode())
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.answer)
    async with serving(app, context) as port:
        issuer.url = f"https://127.0.0.1:{port}"
        try:
            yield issuer
        finally:
            issuer.hold.set()
