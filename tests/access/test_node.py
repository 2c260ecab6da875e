"""What a node may: its own pods' things, its own objects, and why not, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.access.authz.node import NodeAuthorizer
from strongroom.access.authz.node_graph import NodeGraph
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes, User
from strongroom.resources.pod import Pod
from tests.controllers.certificates.podrequests import wanting
from tests.resources.making import made

NODE = User("system:node:n1", groups=("system:nodes", "system:authenticated"))
_NO_RELATION = "no relationship found between node 'n1' and this object"
_GROUPS = {
    "leases": "coordination.k8s.io",
    "csinodes": "storage.k8s.io",
    "volumeattachments": "storage.k8s.io",
    "resourceslices": "resource.k8s.io",
    "podcertificaterequests": "certificates.k8s.io",
    "certificatesigningrequests": "certificates.k8s.io",
}


def _pod(name: str, node: str, **annotations: str) -> Pod:
    secret = {"secretRef": {"name": f"{name}-env"}}
    volumes = [
        {"name": "s", "secret": {"secretName": f"{name}-volume"}},
        {"name": "c", "configMap": {"name": f"{name}-config"}},
        {"name": "p", "persistentVolumeClaim": {"claimName": f"{name}-claim"}},
        {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
    ]
    spec = {
        "nodeName": node,
        "serviceAccountName": f"{name}-account",
        "imagePullSecrets": [{"name": f"{name}-pull"}],
        "containers": [{"name": "main", "image": "none", "envFrom": [secret]}],
        "volumes": volumes,
    }
    tree = {"metadata": {"name": name, "namespace": "shop", "annotations": annotations}}
    return made(tree | {"spec": spec}, Pod)


def _graph(*pods: Pod) -> NodeGraph:
    graph = NodeGraph()
    for pod in pods:
        graph.put("shop", pod.metadata.name, pod)
    return graph


async def _asked(graph: NodeGraph, user: User, verb: str, what: str, **more: Any) -> Decision:
    async def fresh() -> None:
        """The graph is given."""

    resource, _, subresource = what.partition("/")
    asked = {"group": _GROUPS.get(resource, ""), "namespace": "shop"} | more
    attributes = Attributes(
        user, verb, "", is_resource=True, resource=resource, subresource=subresource, **asked
    )
    return await NodeAuthorizer(graph, fresh).authorize(attributes)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("secrets", "mine-env"),
        ("secrets", "mine-volume"),
        ("secrets", "mine-pull"),
        ("configmaps", "mine-config"),
        ("persistentvolumeclaims", "mine-claim"),
        ("persistentvolumeclaims", "mine-e"),
        ("serviceaccounts", "mine-account"),
        ("pods", "mine"),
    ],
)
async def test_a_node_reads_what_its_pods_use_and_nothing_of_others(what: str, name: str) -> None:
    graph = _graph(_pod("mine", "n1"), _pod("other", "n2"), _pod("unbound", ""))
    assert (await _asked(graph, NODE, "get", what, name=name)).verdict is Verdict.ALLOW
    for pod in ("other", "unbound"):
        refused = await _asked(graph, NODE, "get", what, name=name.replace("mine", pod))
        assert refused == Decision(reason=_NO_RELATION)
    elsewhere = await _asked(graph, NODE, "get", what, name=name, namespace="till")
    assert elsewhere == Decision(reason=_NO_RELATION)


async def test_rights_go_with_the_last_pod_that_needed_them() -> None:
    graph = _graph(_pod("a", "n1"), _pod("b", "n1"))

    async def may(name: str) -> bool:
        decision = await _asked(graph, NODE, "watch", "secrets", name=name)
        return decision.verdict is Verdict.ALLOW

    shared = _pod("b", "n1")
    shared.spec.volumes[0].secret.secretName = "a-volume"  # type: ignore[union-attr]  # it has one
    graph.put("shop", "b", shared)
    assert await may("a-volume")
    assert not await may("b-volume")
    graph.put("shop", "a", None)
    assert await may("a-volume")
    assert not await may("a-env")
    graph.put("shop", "b", _pod("b", "n2"))
    assert not await may("a-volume")
    assert not await may("b-volume")
    graph.put("shop", "b", None)
    graph.put("shop", "never", None)
    assert not graph.related("n2", ("secrets", "shop", "b-volume"))


async def test_a_mirror_pod_gives_a_node_nothing() -> None:
    graph = _graph(_pod("mine", "n1", **{"kubernetes.io/config.mirror": "hash"}))
    assert (await _asked(graph, NODE, "get", "secrets", name="mine-env")).reason == _NO_RELATION
    assert (await _asked(graph, NODE, "get", "pods", name="mine")).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("verb", "what", "more", "reason"),
    [
        ("update", "secrets", {"name": "mine-env"}, "can only read resources of this type"),
        ("get", "secrets/x", {"name": "mine-env"}, "cannot read subresource"),
        (
            "list",
            "secrets",
            {"namespace": ""},
            "can only read namespaced object of this type",
        ),
        ("list", "configmaps", {}, "No Object name found"),
        (
            "list",
            "persistentvolumeclaims",
            {"name": "mine-claim"},
            "can only get individual resources of this type",
        ),
        (
            "get",
            "persistentvolumeclaims/status",
            {"name": "mine-claim"},
            "can only get/update/patch this type",
        ),
        ("get", "volumeattachments/x", {"name": "v", "namespace": ""}, "cannot get subresource"),
        (
            "create",
            "serviceaccounts/token",
            {"name": ""},
            "can only create tokens for individual service accounts",
        ),
        (
            "create",
            "serviceaccounts/x",
            {"name": "mine-account"},
            "can only create token subresource of serviceaccount",
        ),
        ("create", "serviceaccounts/token", {"name": "other-account"}, _NO_RELATION),
        (
            "list",
            "leases",
            {"namespace": "kube-node-lease"},
            "can only get, create, update, patch, or delete a node lease",
        ),
        (
            "get",
            "leases",
            {"name": "n1"},
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        (
            "update",
            "leases",
            {"namespace": "kube-node-lease", "name": "n2"},
            "can only access node lease with the same name as the requesting node",
        ),
        ("list", "csinodes", {}, "can only get, create, update, patch, or delete a CSINode"),
        ("get", "csinodes/x", {"name": "n1"}, "cannot authorize CSINode subresources"),
        (
            "get",
            "csinodes",
            {"name": "n2"},
            "can only access CSINode with the same name as the requesting node",
        ),
        ("get", "resourceslices", {"name": "s"}, _NO_RELATION),
        ("get", "resourceslices/x", {"name": "s"}, "cannot authorize ResourceSlice subresources"),
        (
            "list",
            "resourceslices",
            {},
            ("can only list/watch/deletecollection resourceslices with nodeName field selector"),
        ),
        ("list", "nodes", {}, "node 'n1' cannot read all nodes, only its own Node object"),
        (
            "get",
            "nodes",
            {"name": "n2"},
            "node 'n1' cannot read 'n2', only its own Node object",
        ),
        ("delete", "nodes", {"name": "n1"}, ""),
        ("get", "nodes/proxy", {"name": "n1"}, ""),
        ("get", "nodes/status", {"name": "n1"}, ""),
        ("list", "pods", {}, "can only list/watch pods with spec.nodeName field selector"),
        (
            "list",
            "pods",
            {"field_selector": "spec.nodeName=n2"},
            "can only list/watch pods with spec.nodeName field selector",
        ),
        (
            "list",
            "pods",
            {"field_selector": "spec.nodeName!=n1"},
            "can only list/watch pods with spec.nodeName field selector",
        ),
        ("watch", "pods", {"name": "other"}, _NO_RELATION),
        ("update", "pods", {"name": "mine"}, ""),
        ("get", "pods/log", {"name": "mine"}, ""),
        (
            "update",
            "podcertificaterequests/status",
            {"name": "p"},
            "nodes may not access the status subresource of PodCertificateRequests",
        ),
        ("delete", "podcertificaterequests", {}, "nodes may not delete podcertificaterequests"),
        (
            "list",
            "podcertificaterequests",
            {},
            "can only list/watch podcertificaterequests with nodeName field selector",
        ),
        ("create", "secrets", {}, "can only read resources of this type"),
        ("list", "namespaces", {}, ""),
    ],
)
async def test_what_a_node_may_not(verb: str, what: str, more: dict[str, Any], reason: str) -> None:
    graph = _graph(_pod("mine", "n1"), _pod("other", "n2"))
    assert await _asked(graph, NODE, verb, what, **more) == Decision(reason=reason)


@pytest.mark.parametrize(
    ("verb", "what", "more"),
    [
        ("create", "serviceaccounts/token", {"name": "mine-account"}),
        ("patch", "persistentvolumeclaims/status", {"name": "mine-claim"}),
        ("list", "secrets", {"name": "mine-env"}),
        ("watch", "configmaps", {"name": "mine-config"}),
        ("create", "leases", {"namespace": "kube-node-lease"}),
        ("patch", "leases", {"namespace": "kube-node-lease", "name": "n1"}),
        ("update", "csinodes", {"name": "n1", "namespace": ""}),
        ("create", "resourceslices", {}),
        ("list", "resourceslices", {"field_selector": "spec.nodeName=n1"}),
        ("create", "nodes", {"namespace": ""}),
        ("get", "nodes", {"name": "n1", "namespace": ""}),
        ("watch", "nodes", {"name": "n1", "namespace": ""}),
        ("patch", "nodes/status", {"name": "n1", "namespace": ""}),
        ("watch", "pods", {"namespace": "", "field_selector": "spec.nodeName=n1"}),
        ("watch", "pods", {"name": "mine"}),
        ("create", "pods", {}),
        ("delete", "pods", {"name": "other"}),
        ("patch", "pods/status", {"name": "mine"}),
        ("create", "pods/eviction", {"name": "mine"}),
        ("create", "podcertificaterequests", {}),
        ("watch", "podcertificaterequests", {"field_selector": "spec.nodeName=n1"}),
        ("create", "certificatesigningrequests", {"namespace": ""}),
        ("watch", "services", {"namespace": ""}),
        ("create", "events", {}),
    ],
)
async def test_what_a_node_may(verb: str, what: str, more: dict[str, Any]) -> None:
    graph = _graph(_pod("mine", "n1"), _pod("other", "n2"))
    assert (await _asked(graph, NODE, verb, what, **more)).verdict is Verdict.ALLOW


async def test_who_is_no_node() -> None:
    graph = _graph(_pod("mine", "n1"))
    outsider = User("system:node:n1", groups=("system:authenticated",))
    assert await _asked(graph, outsider, "get", "secrets", name="mine-env") == Decision()
    member = User("jane", groups=("system:nodes",))
    assert await _asked(graph, member, "get", "secrets", name="mine-env") == Decision()
    nameless = User("system:node:", groups=("system:nodes",))
    refused = await _asked(graph, nameless, "get", "secrets", name="mine-env")
    assert refused == Decision(reason='unknown node for user "system:node:"')


async def test_the_nodes_own_requests_for_certificates() -> None:
    graph = NodeGraph()
    for node in ("n1", "n2"):
        graph.put_request("shop", f"of-{node}", wanting(nodeName=node))

    async def verdict(name: str) -> Verdict:
        return (await _asked(graph, NODE, "get", "podcertificaterequests", name=name)).verdict

    assert await verdict("of-n1") is Verdict.ALLOW
    assert await verdict("of-n2") is Verdict.NO_OPINION
    graph.put_request("shop", "of-n1", None)
    assert await verdict("of-n1") is Verdict.NO_OPINION
