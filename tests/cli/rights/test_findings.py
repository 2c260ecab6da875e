"""Findings on roles and bindings: each check, how bad it is where, and what is none."""

from __future__ import annotations

import pytest

from strongroom.cli.rights.checks import LEVELS, PARTS, WHOLE, WHOM
from strongroom.cli.rights.findings import findings
from tests.cli.rights.clusters import cluster

RBAC = "rbac.authorization.k8s.io"


def found(text: str) -> list[str]:
    return [f"{f.severity} {f.check.key}" for f in findings(cluster(text).grants)]


@pytest.mark.parametrize(
    ("rule", "everywhere", "within"),
    [
        ("get,list secrets", ["high secrets"], ["low secrets"]),
        ("get secrets (db)", [], []),
        ("get secrets/keys", ["high secrets"], ["low secrets"]),
        ("get secrets/keys (db/password)", [], []),
        ("get,list,watch secrets/metadata", [], []),
        ("create encryptionoperations.strongroom.io", ["high encryption"], []),
        ("unsafe-delete-ignore-read-errors secrets", ["medium unreadable"], ["low unreadable"]),
        ("delete secretalerts.strongroom.io", ["medium alerts"], ["medium alerts"]),
        ("get,list,watch secretalerts.strongroom.io", [], []),
        ("* *.*", ["high everything"], ["medium everything"]),
        ("* deployments.apps", ["medium wildcard", "medium pods"], ["low wildcard", "low pods"]),
        (f"escalate roles.{RBAC}", ["high escalate"], ["high escalate"]),
        (f"escalate clusterroles.{RBAC}", ["high escalate"], []),
        (f"bind clusterroles.{RBAC}", ["high bind"], ["high bind"]),
        (f"bind clusterroles.{RBAC} (view)", [], []),
        ("impersonate groups", ["high impersonate"], []),
        ("impersonate serviceaccounts", ["high impersonate"], ["medium impersonate"]),
        ("impersonate users (jane)", [], []),
        ("create serviceaccounts/token", ["high tokens"], ["medium tokens"]),
        ("create serviceaccounts/token (robot)", [], []),
        ("get nodes/proxy", ["high node-proxy"], []),
        (
            "update certificatesigningrequests/approval.certificates.k8s.io",
            ["high csr-approval"],
            [],
        ),
        (
            "patch validatingwebhookconfigurations.admissionregistration.k8s.io",
            ["high webhooks"],
            [],
        ),
        ("create persistentvolumes", ["medium volumes"], []),
        ("create pods/exec", ["medium exec"], ["low exec"]),
        ("create pods", ["medium pods"], ["low pods"]),
        ("get,list,watch pods", [], []),
        ("get /metrics", [], []),
    ],
)
def test_what_a_role_gives(rule: str, everywhere: list[str], within: list[str]) -> None:
    role = f"ClusterRole x: {rule}\n"
    assert found(f"{role}Bind b: ClusterRole x to User eve") == everywhere
    assert found(f"{role}Bind shop/b: ClusterRole x to User eve") == within


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("User system:anonymous", "critical anonymous"),
        ("Group system:unauthenticated", "critical anonymous"),
        ("Group system:authenticated", "high everybody"),
        ("Group system:serviceaccounts", "high everybody"),
        ("Group system:serviceaccounts:shop", "high default-account"),
        ("ServiceAccount shop/default", "high default-account"),
        ("ServiceAccount shop/robot", ""),
        ("Group ops", ""),
    ],
)
def test_whom_something_is_given(subject: str, told: str) -> None:
    role = "ClusterRole x: get pods\n"
    assert found(f"{role}Bind b: ClusterRole x to {subject}") == ([told] if told else [])


@pytest.mark.parametrize(
    "rule",
    [
        "get,head /healthz,/version",
        "create selfsubjectaccessreviews.authorization.k8s.io",
        "get configmaps (cluster-info)",
        "get,list,watch clustertrustbundles.certificates.k8s.io",
    ],
)
def test_what_everybody_has_in_every_cluster_is_no_finding(rule: str) -> None:
    text = f"ClusterRole x: {rule}\nBind b: ClusterRole x to Group system:unauthenticated"
    assert found(text) == []


@pytest.mark.parametrize(
    "rule", ["get /*", "get /metrics", "post /healthz", "get configmaps", "get secrets (db)"]
)
def test_a_little_more_is_one(rule: str) -> None:
    text = f"ClusterRole x: {rule}\nBind b: ClusterRole x to Group system:unauthenticated"
    assert "critical anonymous" in found(text)


def test_own_parts_are_left_out_and_whom_somebody_added_to_them_is_not() -> None:
    text = """
        default ClusterRole cluster-admin: * *.*
        default Bind cluster-admin: ClusterRole cluster-admin to Group system:masters, User eve
        default ClusterRole edit: get secrets; create pods/exec,pods
        Bind shop/devs: ClusterRole edit to Group devs
        Bind devs: ClusterRole edit to Group devs, User joe
    """
    assert found(text) == ["high everything", "high edit", "low edit"]
    first, second, _ = findings(cluster(text).grants)
    assert list(map(str, first.subjects)) == ["User eve"]
    assert list(map(str, second.subjects)) == ["Group devs", "User joe"]


def test_every_check_says_what_to_do_and_has_a_number() -> None:
    checks = [*WHOM, *WHOLE, *PARTS]
    assert len({check.key for check in checks}) == len(checks)
    for check in checks:
        assert check.everywhere in LEVELS
        assert check.within in ("", *LEVELS)
        assert check.title
        assert check.advice.endswith(".")
        assert str(check.numbers).startswith(("CIS 5.1.", "OWASP K0"))
