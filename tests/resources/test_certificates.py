"""Requests for certificates and trust bundles: their findings, in upstream's words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from strongroom.api.meta import Object
from strongroom.resources import pem
from strongroom.resources.certificatesigningrequest import declared as requests
from strongroom.resources.certificatesigningrequest_object import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
)
from strongroom.resources.clustertrustbundle import ClusterTrustBundle
from strongroom.resources.clustertrustbundle import declared as bundles
from strongroom.server.x509 import X509
from tests.controllers.certificates.making import asking, authority, pkcs10
from tests.resources.making import made, texts

CSR = pkcs10()
CA, OTHER = authority()[0], authority("other", number=8)[0]
REQUESTS, BUNDLES = requests(X509), bundles(X509)


def forged() -> bytes:
    """A request whose signature is another's."""
    block = pem.first(CSR)
    assert block is not None
    content = bytearray(block.content)
    content[-1] ^= 1
    return pem.armored(pem.CERTIFICATE_REQUEST, bytes(content))


@pytest.mark.parametrize(
    ("request_", "finding"),
    [
        (asking(CSR), ""),
        (asking(b"x"), "PEM block type must be CERTIFICATE REQUEST"),
        (asking(CA), "PEM block type must be CERTIFICATE REQUEST"),
        (asking(forged()), "x509: ECDSA verification failure"),
        (asking(CSR, usages=()), "spec.usages: Required value"),
        (
            asking(CSR, usages=("client auth", "client auth")),
            'spec.usages[1]: Duplicate value: "client auth"',
        ),
        (asking(CSR, usages=("world",)), 'spec.usages[0]: Unsupported value: "world"'),
        (
            asking(CSR, expirationSeconds=599),
            (
                "spec.expirationSeconds: Invalid value: 599: "
                "may not specify a duration less than 600 seconds (10 minutes)"
            ),
        ),
        (asking(CSR, ""), "spec.signerName: Required value"),
        (
            asking(CSR, "kubernetes.io/legacy-unknown"),
            "the legacy signerName is not allowed via this API version",
        ),
        (
            asking(CSR, "mesh"),
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ),
        (
            asking(CSR, "example/mesh"),
            "should be a domain with at least two segments separated by dots",
        ),
        (asking(CSR, "example.com/Mesh"), 'validating label "Mesh"'),
        (asking(CSR, "Example.com/mesh"), 'validating label "Example"'),
    ],
)
def test_what_requests_may_say(request_: CertificateSigningRequest, finding: str) -> None:
    found = texts(REQUESTS.validate(request_))
    assert finding in "\n".join(found)
    assert bool(found) == bool(finding)


def with_conditions(*types: str, status: str = "True") -> CertificateSigningRequest:
    request = asking(CSR)
    request.status.conditions = [
        CertificateSigningRequestCondition(type=type_, status=status) for type_ in types
    ]
    return request


def by(path: str) -> Callable[[Any, Any], list[str]]:
    part = REQUESTS.subresource(path)
    assert part is not None
    return lambda new, old: texts(part.validate(part.merge(new, copy.deepcopy(old)), old))


@pytest.mark.parametrize(
    ("path", "before", "after", "finding"),
    [
        ("approval", with_conditions(), with_conditions("Approved"), ""),
        (
            "approval",
            with_conditions("Approved"),
            with_conditions(),
            'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
        ),
        (
            "approval",
            with_conditions(),
            with_conditions("Approved", "Denied"),
            "Approved and Denied conditions are mutually exclusive",
        ),
        (
            "approval",
            with_conditions(),
            with_conditions("Approved", status="False"),
            'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
        ),
        (
            "approval",
            with_conditions(),
            with_conditions("Odd", "Odd"),
            'status.conditions[1].type: Duplicate value: "Odd"',
        ),
        ("status", with_conditions(), with_conditions("Failed"), ""),
        (
            "status",
            with_conditions(),
            with_conditions("Approved"),
            'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
        ),
    ],
)
def test_who_decides_and_who_signs(path: str, before: Any, after: Any, finding: str) -> None:
    found = by(path)(after, before)
    assert finding in "\n".join(found)
    assert bool(found) == bool(finding)


def test_certificates_are_set_once_by_status_only() -> None:
    def issued(certificate: bytes) -> CertificateSigningRequest:
        request = with_conditions("Approved")
        request.status.certificate = certificate
        return request

    assert by("status")(issued(CA), issued(b"")) == []
    assert "status.certificate: Forbidden: updates may not modify existing certificate content" in (
        by("status")(issued(OTHER), issued(CA))
    )
    [text] = by("status")(issued(CSR), issued(b""))
    assert text.endswith('only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"')
    [text] = by("status")(issued(b"no"), issued(b""))
    assert text.endswith("must contain at least one CERTIFICATE PEM block")
    merged = REQUESTS.subresource("approval")
    assert merged is not None
    assert merged.merge(issued(CA), issued(b"")).status.certificate == b""


def bundle(name: str, text: bytes, signer: str = "") -> ClusterTrustBundle:
    spec = {"trustBundle": text.decode(), "signerName": signer}
    return made({"metadata": {"name": name}, "spec": spec}, ClusterTrustBundle)


@pytest.mark.parametrize(
    ("obj", "finding"),
    [
        (bundle("a", CA), ""),
        (bundle("a", b"words before\n" + CA + OTHER), ""),
        (bundle("a.b:mesh:v1", CA, "a.b/mesh"), ""),
        (bundle("a", CA + CA), "duplicate trust anchor (indices [0 1])"),
        (bundle("a", b""), "at least one trust anchor must be provided"),
        (bundle("a", CSR), "entry 0 has bad block type: CERTIFICATE REQUEST"),
        (bundle("a", authority(ca=False)[0]), "entry 0 does not have the CA bit set"),
        (
            bundle("a", pem.armored("CERTIFICATE", b"no")),
            "entry 0 does not parse as X.509",
        ),
        (bundle("a:b", CA), 'ClusterTrustBundle without signer name must not have ":" in its name'),
        (
            bundle("v1", CA, "a.b/mesh"),
            "ClusterTrustBundle for signerName a.b/mesh must be named with prefix a.b:mesh:",
        ),
    ],
)
def test_what_bundles_may_hold(obj: Object, finding: str) -> None:
    found = texts(BUNDLES.validate(obj))  # type: ignore[arg-type]  # made above
    assert finding in "\n".join(found)
    assert bool(found) == bool(finding)


def test_a_bundle_keeps_its_signer() -> None:
    old, new = bundle("a.b:mesh:v1", CA, "a.b/mesh"), bundle("a.b:mesh:v1", CA, "a.b/net")
    assert any(
        text.endswith("field is immutable") for text in texts(BUNDLES.validate_update(new, old))
    )
