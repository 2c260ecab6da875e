"""What stays behind, and what of an object comes along."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api import codec
from strongroom.api.meta import Object, ObjectMeta
from strongroom.cli.importing.kinds import KINDS, Wanted, cleaned, content, same
from strongroom.resources.resource import Resource

ALL = Wanted(tuple(KINDS.values()))


def made(plural: str, tree: dict[str, Any], **meta: Any) -> tuple[Resource[Any], Object]:
    resource = KINDS[plural]
    whole = {"metadata": {"name": "a", "namespace": "ns", **meta}, **tree}
    return resource, codec.from_tree(whole, resource.type)


@pytest.mark.parametrize(
    ("obj", "why"),
    [
        (made("secrets", {}), ""),
        (made("secrets", {"type": "kubernetes.io/tls"}), ""),
        (made("secrets", {}, deletionTimestamp="2026-01-01T00:00:00Z"), "being deleted"),
        (made("secrets", {"type": "kubernetes.io/service-account-token"}), "service accounts"),
        (made("secrets", {"type": "bootstrap.kubernetes.io/token"}), "nodes join"),
        (made("secrets", {"type": "helm.sh/release.v1"}), "--helm-releases"),
        (made("configmaps", {}), ""),
        (made("configmaps", {}, name="kube-root-ca.crt"), "authority"),
        (made("roles", {}, name="system:x"), "every cluster has"),
        (
            made("clusterroles", {}, labels={"kubernetes.io/bootstrapping": "rbac-defaults"}),
            "every cluster has",
        ),
    ],
)
def test_what_stays_behind(obj: tuple[Resource[Any], Object], why: str) -> None:
    told = ALL.left_out(*obj)
    assert why in told
    assert bool(told) is bool(why)


def test_namespaces_of_the_system_are_to_be_named() -> None:
    assert "-n names it" in ALL.left_namespace("kube-system")
    assert Wanted((), ("kube-system",)).left_namespace("kube-system") == ""
    assert ALL.left_namespace("shop") == ""
    helm = made("secrets", {"type": "helm.sh/release.v1"})
    assert Wanted((), helm=True).left_out(*helm) == ""


def test_metadata_of_the_old_cluster_is_gone() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    resource, obj = made(
        "secrets",
        {"data": {"a": "MQ=="}, "immutable": True, "type": "Opaque"},
        uid="u",
        resourceVersion="5",
        generation=3,
        creationTimestamp="2026-01-01T00:00:00Z",
        managedFields=[{"manager": "m"}],
        ownerReferences=[owner],
        labels={"l": "1"},
        annotations={"n": "1", "kubectl.kubernetes.io/last-applied-configuration": "MQ=="},
    )
    clean = cleaned(resource, obj)
    assert clean.lost == ("ownerReferences",)
    meta = ObjectMeta(name="a", namespace="ns", labels={"l": "1"}, annotations={"n": "1"})
    assert clean.obj.metadata == meta
    assert content(resource, clean.obj) == content(resource, obj)
    assert same(resource, obj, clean.obj)


def test_what_controllers_fill_in_does_not_come_along() -> None:
    resource, account = made(
        "serviceaccounts", {"secrets": [{"name": "t"}], "imagePullSecrets": [{"name": "p"}]}
    )
    assert content(resource, cleaned(resource, account).obj) == {
        "imagePullSecrets": [{"name": "p"}]
    }
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    selectors = {"clusterRoleSelectors": [{"matchLabels": {"a": "1"}}]}
    resource, role = made("clusterroles", {"aggregationRule": selectors, "rules": rules})
    assert content(resource, role) == {"aggregationRule": selectors}


def test_what_is_the_same() -> None:
    resource, one = made("secrets", {"data": {"a": "MQ=="}}, labels={"x": "1", "y": "2"})
    _, fewer = made("secrets", {"data": {"a": "MQ=="}}, labels={"x": "1"})
    _, other = made("secrets", {"data": {"a": "Mg=="}}, labels={"x": "1"})
    assert same(resource, one, fewer)
    assert not same(resource, fewer, one)
    assert not same(resource, one, other)
