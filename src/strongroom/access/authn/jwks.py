"""Public keys of other issuers, as a JSON Web Key Set says them (RFC 7517 and 7518).

What cannot verify a signature that we believe is passed over, as the RFC wants: keys of other
types (a shared secret above all), for encryption, on other curves, RSA keys below 2048 bits.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from strongroom.access.authn.jws import ALGORITHMS
from strongroom.access.authn.keys import VerificationKey

MAX_KEYS = 100
_SMALLEST = 2048
_CURVES: dict[str, tuple[ec.EllipticCurve, str]] = {
    "P-256": (ec.SECP256R1(), "ES256"),
    "P-384": (ec.SECP384R1(), "ES384"),
    "P-521": (ec.SECP521R1(), "ES512"),
}


class BadKeySet(ValueError):
    """An answer is no key set. The text quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key of an issuer, and the algorithms whose signatures it may verify."""

    id: str
    algorithms: tuple[str, ...]
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey = field(repr=False)

    def for_algorithm(self, algorithm: str) -> VerificationKey | None:
        """The key as one for this algorithm alone; None if it is not meant for it."""
        if algorithm not in self.algorithms:
            return None
        return VerificationKey(self.id, algorithm, self.key)


class _JWK(msgspec.Struct):
    kty: str = ""
    kid: str = ""
    use: str = ""
    alg: str = ""
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""


class _JWKSet(msgspec.Struct):
    keys: list[dict[str, Any]]


_set = msgspec.json.Decoder(_JWKSet)


def read_key_set(body: bytes) -> tuple[IssuerKey, ...]:
    """The keys of a set that can be used. Raises BadKeySet."""
    try:
        told = _set.decode(body).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadKeySet("the answer is no JSON Web Key Set") from None
    if len(told) > MAX_KEYS:
        raise BadKeySet(f"the set has more than {MAX_KEYS} keys")
    found = [_read(jwk) for jwk in told]
    return tuple(key for key in found if key is not None)


def _read(tree: dict[str, Any]) -> IssuerKey | None:
    try:
        jwk = msgspec.convert(tree, _JWK)
        if jwk.use not in ("", "sig"):
            return None
        if jwk.kty == "RSA":
            return _rsa(jwk)
        return _elliptic(jwk) if jwk.kty == "EC" else None
    except (ValueError, binascii.Error):
        # One that cannot be read is as good as not there: the others may still be right.
        return None


def _rsa(jwk: _JWK) -> IssuerKey | None:
    key = rsa.RSAPublicNumbers(_number(jwk.e), _number(jwk.n)).public_key()
    if key.key_size < _SMALLEST:
        return None
    may = tuple(name for name in ALGORITHMS if not name.startswith("ES"))
    return IssuerKey(jwk.kid, _declared(jwk, may), key)


def _elliptic(jwk: _JWK) -> IssuerKey | None:
    if jwk.crv not in _CURVES:
        return None
    curve, algorithm = _CURVES[jwk.crv]
    numbers = ec.EllipticCurvePublicNumbers(_number(jwk.x), _number(jwk.y), curve)
    return IssuerKey(jwk.kid, _declared(jwk, (algorithm,)), numbers.public_key())


def _declared(jwk: _JWK, may: tuple[str, ...]) -> tuple[str, ...]:
    """A key that says its algorithm is for no other."""
    return tuple(name for name in may if jwk.alg in ("", name))


def _number(text: str) -> int:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if not raw:
        raise ValueError("a number is missing")
    return int.from_bytes(raw, "big")
