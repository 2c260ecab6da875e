"""SealedSecrets, opened as their format's description says, without the module that wrote them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding

from strongroom.sealing.sealed_secret import Scope, controller_key, sealed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = rsa.generate_private_key(65537, 2048)
TREE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "shop"}},
    "type": "example.org/db",
    "immutable": True,
    "data": {"password": base64.b64encode(b"hunter2").decode(), "empty": ""},
}


def certificate(key: Any, days: int = 10) -> bytes:
    name = x509.Name([])
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, NOW - timedelta(20), NOW + timedelta(days)
    ).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


def opened(value: str, label: bytes) -> bytes:
    """As the controller does: the length of the wrapped key, the key, the rest."""
    content = base64.b64decode(value)
    size = int.from_bytes(content[:2], "big")
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label)
    session = KEY.decrypt(content[2 : 2 + size], oaep)
    return AESGCM(session).decrypt(bytes(12), content[2 + size :], None)


@pytest.mark.parametrize(
    ("scope", "label"),
    [(Scope.STRICT, b"shop/db"), (Scope.NAMESPACE, b"shop"), (Scope.CLUSTER, b"")],
)
def test_each_value_opens_where_its_scope_says(scope: Scope, label: bytes) -> None:
    made = sealed(TREE, controller_key(certificate(KEY), NOW), scope)
    assert (made["apiVersion"], made["kind"]) == ("bitnami.com/v1alpha1", "SealedSecret")
    values = made["spec"]["encryptedData"]
    assert {key: opened(value, label) for key, value in values.items()} == {
        "password": b"hunter2",
        "empty": b"",
    }
    with pytest.raises((ValueError, InvalidTag)):
        opened(values["password"], b"elsewhere/db")
    template = made["spec"]["template"]
    assert (template["type"], template["immutable"]) == ("example.org/db", True)
    assert template["metadata"]["labels"] == {"app": "shop"}
    scopes = {f"sealedsecrets.bitnami.com/{scope.value}": "true"} if label != b"shop/db" else {}
    assert made["metadata"].get("annotations", {}) == scopes
    assert template["metadata"].get("annotations", {}) == scopes


def test_a_certificate_that_the_controller_does_not_use_is_refused() -> None:
    with pytest.raises(ValueError, match="expired on 2025-12-22"):
        controller_key(certificate(KEY, -10), NOW)
    with pytest.raises(ValueError, match="not an RSA key"):
        controller_key(certificate(ec.generate_private_key(ec.SECP256R1())), NOW)
    with pytest.raises(ValueError, match="not a certificate in PEM"):
        controller_key(b"-----BEGIN", NOW)
