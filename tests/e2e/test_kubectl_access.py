"""kubectl and access: roles and bindings; what somebody may; acting as another."""

from __future__ import annotations

import pytest

from tests.e2e.kubectl import Kubectl

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: reconciled
  namespace: {namespace}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
"""

BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: reconciled
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {role}
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: User
  name: kim
"""


def may(kubectl: Kubectl, *arguments: str) -> bool:
    """What `kubectl auth can-i` answers."""
    answer = kubectl.run("auth", "can-i", *arguments)
    assert answer.out.strip().splitlines()[-1] in ("yes", "no"), answer.err
    assert answer.code == (0 if answer.out.strip().endswith("yes") else 1)
    return answer.out.strip().endswith("yes")


def test_create_roles_and_bindings(kubectl: Kubectl) -> None:
    as_jane = ("--as", "jane")
    assert may(kubectl, "get", "secrets")
    assert not may(kubectl, "get", "secrets", *as_jane)
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=secrets,pods/log")
    kubectl("create", "rolebinding", "readers", "--role=reader", "--user=jane", "--group=dev")
    assert may(kubectl, "get", "secrets", *as_jane)
    assert may(kubectl, "get", "pods", "--subresource=log", *as_jane)
    assert not may(kubectl, "delete", "secrets", *as_jane)
    assert not may(kubectl, "get", "secrets", "-n", "default", *as_jane)
    assert may(kubectl, "list", "secrets", "--as", "joe", "--as-group", "dev")
    listed = kubectl("auth", "can-i", "--list", *as_jane)
    assert "[get list]" in next(line for line in listed.splitlines() if line.startswith("secrets"))
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    assert "secret/s" in kubectl("get", "secret", "-o", "name", *as_jane)
    refused = kubectl.run("delete", "secret", "s", *as_jane)
    assert refused.err.strip() == (
        'Error from server (Forbidden): secrets "s" is forbidden: User "jane" cannot delete '
        f'resource "secrets" in API group "" in the namespace "{kubectl.namespace}"'
    )


def test_roles_and_bindings_are_shown(kubectl: Kubectl) -> None:
    kubectl("create", "role", "r", "--verb=get", "--resource=secrets", "--resource-name=one")
    account = f"{kubectl.namespace}:bot"
    kubectl("create", "rolebinding", "b", "--clusterrole=view", f"--serviceaccount={account}")
    kubectl("create", "rolebinding", "c", "--role=r", "--user=jane", "--user=joe", "--group=dev")
    lines = kubectl("get", "rolebindings", "-o", "wide").splitlines()
    assert lines[0].split() == ["NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]
    assert lines[1].split()[:2] == ["b", "ClusterRole/view"]
    assert lines[1].split()[-1] == f"{kubectl.namespace}/bot"
    assert "jane, joe" in lines[2]
    assert kubectl("get", "roles").split()[:3] == ["NAME", "CREATED", "AT"]
    described = kubectl("describe", "role", "r")
    assert described.splitlines()[-1].split() == ["secrets", "[]", "[one]", "[get]"]
    changed = '{"roleRef": {"name": "edit"}}'
    refused = kubectl.run("patch", "rolebinding", "b", "--type=merge", "-p", changed)
    assert refused.code == 1
    assert "cannot change roleRef" in refused.err


def test_cluster_roles_and_their_aggregation(kubectl: Kubectl) -> None:
    name = kubectl.namespace
    kubectl("create", "clusterrole", f"{name}-part", "--verb=get", "--non-resource-url=/x/*")
    kubectl("label", "clusterrole", f"{name}-part", f"{name}=yes")
    kubectl("create", "clusterrole", f"{name}-whole", f"--aggregation-rule={name}=yes")
    kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}-part", "--user=lou")
    try:
        assert may(kubectl, "get", "/x/y", "--as", "lou")
        assert not may(kubectl, "get", "/y", "--as", "lou")
        shown = kubectl("get", "clusterrole", f"{name}-whole", "-o", "jsonpath={.aggregationRule}")
        assert f'"{name}":"yes"' in shown
    finally:
        kubectl("delete", "clusterrolebinding", name)
        kubectl("delete", "clusterrole", f"{name}-part", f"{name}-whole")


@pytest.mark.parametrize("dry", [True, False])
def test_auth_reconcile(kubectl: Kubectl, dry: bool) -> None:
    kubectl("create", "role", "reconciled", "--verb=get", "--resource=secrets")
    kubectl("create", "role", "other", "--verb=get", "--resource=secrets")
    here = kubectl.namespace  # kubectl's own takes the namespace from the manifest alone.
    kubectl.apply(BINDING.format(role="other", namespace=here))
    manifest = kubectl.directory / "manifest.yaml"
    binding = BINDING.format(role="reconciled", namespace=here)
    manifest.write_text(f"{ROLE.format(namespace=here)}---{binding}")
    kubectl("auth", "reconcile", "-f", str(manifest), *(["--dry-run=client"] if dry else []))
    assert may(kubectl, "get", "configmaps", "--as", "kim") is not dry
    # What was there stays; a binding to another role was made anew.
    assert may(kubectl, "get", "secrets", "--as", "kim")
    ref = kubectl("get", "rolebinding", "reconciled", "-o", "jsonpath={.roleRef.name}")
    assert ref == ("other" if dry else "reconciled")


def test_who_am_i_and_as_whom(kubectl: Kubectl) -> None:
    told = kubectl("auth", "whoami", "--as", "jane", "--as-group", "dev", "--as-uid", "7")
    lines = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in told.splitlines()[1:]}
    assert lines == {"Username": "jane", "UID": "7", "Groups": "[dev system:authenticated]"}
    refused = kubectl.run("get", "pods", "--as-group", "dev")
    assert refused.code == 1
