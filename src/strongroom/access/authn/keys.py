"""Keys of ServiceAccount tokens: RSA (RS256) and elliptic curves (ES256, ES384, ES512), in PEM.

A key's algorithm follows from the key and never from a token, so that no token chooses how it is
looked at. Its id is upstream's: the SHA-256 of the public key, from which the key cannot be had.
Sources: ``pkg/serviceaccount/jwt.go``, ``openidmetadata.go`` and ``k8s.io/client-go/util/keyutil``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_CURVES = {
    "secp256r1": ("ES256", "P-256"),
    "secp384r1": ("ES384", "P-384"),
    "secp521r1": ("ES512", "P-521"),
}
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class BadKey(ValueError):
    """A file holds no key that can be used. The text quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, with what tokens and the key set call it."""

    id: str
    algorithm: str
    key: _Public = field(repr=False)

    def jwk(self) -> dict[str, str]:
        """As the key set of OIDC discovery shows it (RFC 7517), in Go's order of fields."""
        return {
            "use": "sig",
            "kty": "RSA" if isinstance(self.key, rsa.RSAPublicKey) else "EC",
            "kid": self.id,
            "alg": self.algorithm,
        } | _numbers(self.key)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. The repr does not show it."""

    key: _Private = field(repr=False)
    public: VerificationKey


def make_key() -> tuple[bytes, bytes]:
    """A new key, as PEM: the private and the public part. RSA, which every relying party reads."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _private_pem(key), public_pem(key.public_key())


def public_pem(key: _Public) -> bytes:
    """A public key as a PEM block."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signing_key(pem: bytes) -> SigningKey:
    """The first private key of a file that signs what its public part believes. Raises BadKey."""
    for kind, block in _blocks(pem):
        if kind.endswith("PRIVATE KEY"):
            key = _read_private(block)
            if key is not None and _holds(key):
                return SigningKey(key, _described(key.public_key()))
    raise BadKey("data does not contain a valid RSA or ECDSA private key")


def verification_keys(pem: bytes) -> list[VerificationKey]:
    """The public keys of a file: of public keys, private keys and certificates. Raises BadKey."""
    found = [_read_public(kind, block) for kind, block in _blocks(pem)]
    keys = [_described(key) for key in found if key is not None]
    if not keys:
        raise BadKey("data does not contain any valid RSA or ECDSA public keys")
    return keys


def _private_pem(key: _Private) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _blocks(pem: bytes) -> list[tuple[str, bytes]]:
    return [(match[1].decode(), match[0]) for match in _BLOCK.finditer(pem)]


def _holds(key: _Private) -> bool:
    """Whether the parts of a key belong together: what it signs is then good."""
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            signed = key.sign(b"", PKCS1v15(), SHA256())
            key.public_key().verify(signed, b"", PKCS1v15(), SHA256())
        else:
            key.public_key().verify(key.sign(b"", ec.ECDSA(SHA256())), b"", ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


def _read_private(block: bytes) -> _Private | None:
    """A private key of a file of the administrator's, or of our own.

    Its primes are not proved to be primes, which takes 50 ms: whoever may write the file may put
    any key there, and what it signs is tried before it is used.
    """
    try:
        key = load_pem_private_key(block, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key if key.curve.name in _CURVES else None
    return key if isinstance(key, rsa.RSAPrivateKey) else None


def _read_public(kind: str, block: bytes) -> _Public | None:
    if kind.endswith("PRIVATE KEY"):
        private = _read_private(block)
        return private.public_key() if private is not None else None
    try:
        if kind == "CERTIFICATE":
            key: object = x509.load_pem_x509_certificate(block).public_key()
        elif kind in ("PUBLIC KEY", "RSA PUBLIC KEY"):
            key = load_pem_public_key(block)
        else:
            return None
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key if key.curve.name in _CURVES else None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _described(key: _Public) -> VerificationKey:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = "RS256" if isinstance(key, rsa.RSAPublicKey) else _CURVES[key.curve.name][0]
    return VerificationKey(_text(hashlib.sha256(der).digest()), algorithm, key)


def _numbers(key: _Public) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"n": _integer(rsa_numbers.n), "e": _integer(rsa_numbers.e)}
    size, numbers = (key.curve.key_size + 7) // 8, key.public_numbers()
    return {
        "crv": _CURVES[key.curve.name][1],
        "x": _integer(numbers.x, size),
        "y": _integer(numbers.y, size),
    }


def _integer(number: int, size: int = 0) -> str:
    return _text(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
