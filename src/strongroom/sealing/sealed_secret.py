"""Secrets as SealedSecrets of Bitnami's controller (bitnami.com/v1alpha1), for its certificate.

Each value is encrypted by a key of its own with AES-256-GCM; that key by RSA-OAEP with SHA-256,
whose label says for which place it is: of a value that is moved elsewhere, the controller makes
nothing. The format is described in ``docs/developer/crypto.md`` of bitnami-labs/sealed-secrets.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

_ZERO: Final = bytes(12)
"""The nonce: each key encrypts one value."""


class Scope(Enum):
    """Where a value may be opened: under its own name, in its namespace, anywhere."""

    STRICT = "strict"
    NAMESPACE = "namespace-wide"
    CLUSTER = "cluster-wide"

    def label(self, namespace: str, name: str) -> bytes:
        """What a value is bound to."""
        bound = {Scope.STRICT: f"{namespace}/{name}", Scope.NAMESPACE: namespace}
        return bound.get(self, "").encode()

    @property
    def annotations(self) -> dict[str, str]:
        """How an object says that it is of this scope."""
        strict = self is Scope.STRICT
        return {} if strict else {f"sealedsecrets.bitnami.com/{self.value}": "true"}


def controller_key(pem: bytes, now: datetime) -> RSAPublicKey:
    """The key in the controller's certificate (``kubeseal --fetch-cert``). Raises ValueError."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ValueError("not a certificate in PEM") from None
    if certificate.not_valid_after_utc <= now:
        raise ValueError(
            f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}: "
            "fetch the current one (kubeseal --fetch-cert)"
        )
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate's key is not an RSA key")
    return key


def sealed(tree: Mapping[str, Any], key: RSAPublicKey, scope: Scope) -> dict[str, Any]:
    """The SealedSecret that the controller makes this Secret of."""
    meta = dict(tree["metadata"])
    label = scope.label(meta["namespace"], meta["name"])
    template_meta = dict(meta)
    if scope.annotations:
        template_meta["annotations"] = {**meta.get("annotations", {}), **scope.annotations}
    template: dict[str, Any] = {"metadata": template_meta, "type": tree["type"]}
    if "immutable" in tree:
        template["immutable"] = tree["immutable"]
    own = {name: meta[name] for name in ("name", "namespace")}
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {**own, **({"annotations": scope.annotations} if scope.annotations else {})},
        "spec": {
            "encryptedData": {
                name: _value(key, base64.b64decode(value), label)
                for name, value in tree.get("data", {}).items()
            },
            "template": template,
        },
    }


def _value(key: RSAPublicKey, plain: bytes, label: bytes) -> str:
    session = os.urandom(32)
    wrapped = key.encrypt(session, OAEP(MGF1(SHA256()), SHA256(), label))
    body = AESGCM(session).encrypt(_ZERO, plain, None)
    return base64.b64encode(len(wrapped).to_bytes(2, "big") + wrapped + body).decode()
