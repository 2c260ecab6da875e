"""What each of Kubernetes' signers demands, in upstream's words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from strongroom.controllers.certificates.requests import PROBLEMS, InvalidRequest, read
from tests.controllers.certificates.making import (
    NODE_USAGES,
    SERVING_USAGES,
    node_pkcs10,
    pkcs10,
)

CLIENT = "kubernetes.io/kube-apiserver-client"
NODE_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"

NODE = node_pkcs10("n2")


@pytest.mark.parametrize(
    ("signer", "request_", "usages", "problem"),
    [
        (CLIENT, pkcs10(), NODE_USAGES, ""),
        (CLIENT, pkcs10(), ("client auth", "key encipherment"), ""),
        (
            CLIENT,
            pkcs10(),
            ("client auth", "server auth"),
            "invalid usage for client certificate: server auth",
        ),
        (
            CLIENT,
            pkcs10(),
            ("digital signature",),
            "missing required usage for client certificate: client auth",
        ),
        (NODE_CLIENT, NODE, NODE_USAGES, ""),
        (NODE_CLIENT, NODE, (*NODE_USAGES, "key encipherment"), ""),
        (NODE_CLIENT, pkcs10(), NODE_USAGES, "subject organization is not system:nodes"),
        (
            NODE_CLIENT,
            pkcs10("system:node:n2", ("system:nodes", "more")),
            NODE_USAGES,
            "subject organization is not system:nodes",
        ),
        (
            NODE_CLIENT,
            pkcs10("n2", ("system:nodes",)),
            NODE_USAGES,
            "subject common name does not begin with system:node:",
        ),
        (
            NODE_CLIENT,
            node_pkcs10("n2", ["n2"]),
            NODE_USAGES,
            "DNS subjectAltNames are not allowed",
        ),
        (
            NODE_CLIENT,
            node_pkcs10("n2", ["10.0.0.1"]),
            NODE_USAGES,
            "IP subjectAltNames are not allowed",
        ),
        (
            NODE_CLIENT,
            node_pkcs10("n2", ["a@b.c"]),
            NODE_USAGES,
            "Email subjectAltNames are not allowed",
        ),
        (
            NODE_CLIENT,
            node_pkcs10("n2", ["spiffe://a/b"]),
            NODE_USAGES,
            "URI subjectAltNames are not allowed",
        ),
        (
            NODE_CLIENT,
            NODE,
            SERVING_USAGES,
            "usages did not match [client auth digital signature key encipherment]",
        ),
        (SERVING, node_pkcs10("n2", ["n2"]), SERVING_USAGES, ""),
        (SERVING, node_pkcs10("n2", ["10.0.0.1"]), (*SERVING_USAGES, "key encipherment"), ""),
        (SERVING, NODE, SERVING_USAGES, "DNS or IP subjectAltName is required"),
        (
            SERVING,
            node_pkcs10("n2", ["n2", "a@b.c"]),
            SERVING_USAGES,
            "Email subjectAltNames are not allowed",
        ),
        (
            SERVING,
            node_pkcs10("n2", ["n2", "spiffe://a/b"]),
            SERVING_USAGES,
            "URI subjectAltNames are not allowed",
        ),
        (
            SERVING,
            node_pkcs10("n2", ["n2"]),
            NODE_USAGES,
            "usages did not match [digital signature key encipherment server auth]",
        ),
        (LEGACY, pkcs10(), ("any",), ""),
    ],
)
def test_signers_demand(signer: str, request_: bytes, usages: Sequence[str], problem: str) -> None:
    assert PROBLEMS[signer](read(request_), usages) == problem


def test_a_request_whose_signature_does_not_hold_is_none() -> None:
    lines = pkcs10().splitlines()
    lines[-2] = lines[-2][:-4] + b"AAAA"
    with pytest.raises(InvalidRequest):
        read(b"\n".join(lines) + b"\n")


@pytest.mark.parametrize(
    "text", [b"", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_other_things_are_no_requests(text: bytes) -> None:
    with pytest.raises(InvalidRequest, match="PEM block type must be CERTIFICATE REQUEST"):
        read(text)
