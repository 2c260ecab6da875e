"""Rights that cannot be made out of fewer rights."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.attack.conftest import OWN, RBAC, VICTIM, Target, binding

ROLES, BINDINGS = f"{RBAC}/namespaces/team-m/roles", f"{RBAC}/namespaces/team-m/rolebindings"
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
ESCALATE = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "clusterroles"],
    "verbs": ["escalate", "bind"],
}
IMPERSONATE = {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}
CLUSTER_ADMIN = {
    "apiGroup": "rbac.authorization.k8s.io",
    "kind": "ClusterRole",
    "name": "cluster-admin",
}


def role(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "more"}, "rules": list(rules)}


ATTEMPTS: dict[str, tuple[str, str, Any]] = {
    "a role with more": ("POST", ROLES, role(NODES)),
    "a role with everything": ("POST", ROLES, role(EVERYTHING)),
    "a role that may escalate": ("POST", ROLES, role(ESCALATE)),
    "a role that may be others": ("POST", ROLES, role(IMPERSONATE)),
    "a role, tried out": ("POST", f"{ROLES}?dryRun=All", role(EVERYTHING)),
    "everything in one's own namespace": ("POST", BINDINGS, binding("mallory", CLUSTER_ADMIN)),
    "everything everywhere": ("POST", f"{RBAC}/clusterrolebindings", binding("m", CLUSTER_ADMIN)),
    "a role of the cluster": ("POST", f"{RBAC}/clusterroles", role(EVERYTHING)),
    "a role that others aggregate": (
        "POST",
        f"{RBAC}/clusterroles",
        {
            "metadata": {
                "name": "more",
                "labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"},
            },
            "rules": [EVERYTHING],
        },
    ),
    "a role in the other namespace": ("POST", f"{RBAC}/namespaces/team-a/roles", role(NODES)),
    "a binding in the other namespace": (
        "POST",
        f"{RBAC}/namespaces/team-a/rolebindings",
        binding("mallory", CLUSTER_ADMIN | {"name": "view"}),
    ),
    "somebody's token": (
        "POST",
        f"{VICTIM}/serviceaccounts/default/token",
        {"spec": {"expirationSeconds": 3600}},
    ),
    "a token of the system": (
        "POST",
        "/api/v1/namespaces/kube-system/serviceaccounts/default/token",
        {"spec": {}},
    ),
    "an answer about others": (
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {"spec": {"user": "root", "nonResourceAttributes": {"path": "/", "verb": "get"}}},
    ),
    "whose a token is": (
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        {"spec": {"token": "abc"}},
    ),
    "a webhook that sees all": (
        "POST",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        {"metadata": {"name": "all"}},
    ),
}


@pytest.mark.parametrize("case", ATTEMPTS)
def test_nobody_gets_more_than_they_have(target: Target, case: str) -> None:
    method, path, body = ATTEMPTS[case]
    answer = target.mallory.ask(method, path, body)
    assert answer.code == 403, answer.body


def test_a_role_of_one_s_own_does_not_grow(target: Target) -> None:
    mallory = target.mallory
    mine = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    made = mallory.ask("POST", ROLES, {"metadata": {"name": "mine"}, "rules": [mine]})
    assert made.code == 201
    path = f"{ROLES}/mine"
    assert mallory.ask("PUT", path, made.json | {"rules": [mine, EVERYTHING]}).code == 403
    for kind, patch in (
        ("merge-patch", {"rules": [EVERYTHING]}),
        ("strategic-merge-patch", {"rules": [EVERYTHING]}),
        ("json-patch", [{"op": "add", "path": "/rules/-", "value": EVERYTHING}]),
        ("apply-patch", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                         "metadata": {"name": "mine"}, "rules": [EVERYTHING]}),
    ):  # fmt: skip
        content = f"application/{kind}+{'yaml' if kind == 'apply-patch' else 'json'}"
        query = "?fieldManager=m&force=true" if kind == "apply-patch" else ""
        answer = mallory.ask("PATCH", path + query, patch, content_type=content)
        assert answer.code == 403, (kind, answer.body)
    assert mallory.ask("GET", path).json["rules"] == [mine]


def _request(*organizations: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, "mallory")])
    made = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(Encoding.PEM)).decode()


def test_no_certificate_of_the_masters_can_be_asked_for(target: Target) -> None:
    spec = {
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "request": _request("system:masters"),
    }
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    body = {"metadata": {"name": "masters"}, "spec": spec}
    assert target.mallory.ask("POST", path, body).code == 403
    # Not even by who may do everything: a certificate could not be taken back.
    answer = target.admin.ask("POST", path, body)
    assert answer.code == 403, answer.body
    assert "system:masters" in answer.told


def test_who_may_create_secrets_makes_no_token_of_another_namespace(target: Target) -> None:
    wanted = {
        "metadata": {
            "name": "token",
            "annotations": {"kubernetes.io/service-account.name": "../team-a/default"},
        },
        "type": "kubernetes.io/service-account-token",
    }
    target.mallory.ask("POST", f"{OWN}/secrets", wanted)
    found = target.mallory.ask("GET", f"{OWN}/secrets/token")
    assert "data" not in (found.json if found.code == 200 else {})
