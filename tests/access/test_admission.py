"""Is this object acceptable: namespaces that die, nodes that overreach."""

import pytest

from strongroom.access.admission.lifecycle import NamespaceLifecycle
from strongroom.access.admission.noderestriction import NodeRestriction, node_name
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import Attributes, User
from strongroom.api.codec import from_tree
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object, ObjectMeta, OwnerReference
from strongroom.registry.admission import Write
from strongroom.resources.catalog import CATALOG
from strongroom.resources.node import Node
from strongroom.resources.pod import Pod
from tests.access.around import Around

ADMIN = User("admin", groups=("system:masters",))
NODE = User("system:node:n1", groups=("system:nodes",))


class Phases:
    """Namespaces with fixed phases."""

    async def phase(self, namespace: str) -> str | None:
        return {"live": "Active", "dying": "Terminating"}.get(namespace)


def request(
    user: User,
    operation: str,
    resource: str,
    *,
    group: str = "",
    namespace: str = "",
    name: str = "",
    obj: Object | None = None,
    old: Object | None = None,
) -> AdmissionRequest:
    attributes = Attributes(
        user,
        operation.lower(),
        "",
        is_resource=True,
        group=group,
        version="v1",
        resource=resource,
        namespace=namespace,
        name=name,
    )
    known = CATALOG.by_plural(group, "v1", resource)
    assert known is not None
    return AdmissionRequest(
        attributes,
        operation,
        known,
        namespace,
        name,
        obj,
        old,
        dry_run=False,
        options={},
        warn=lambda text: None,
        annotate=lambda key, value: None,
    )


def test_the_registry_hands_over_what_admission_reads() -> None:
    ours = set(AdmissionRequest.__dataclass_fields__)
    assert ours <= set(Write.__dataclass_fields__)


@pytest.mark.parametrize("namespace", ["live", ""])
async def test_creation_where_it_may_happen(namespace: str) -> None:
    asked = request(ADMIN, "CREATE", "secrets", namespace=namespace, obj=Object())
    await NamespaceLifecycle(Phases()).mutate(asked)
    await NamespaceLifecycle(Phases()).validate(asked)


async def test_creation_in_a_missing_namespace() -> None:
    asked = request(ADMIN, "CREATE", "secrets", namespace="none", obj=Object())
    with pytest.raises(StatusError) as raised:
        await NamespaceLifecycle(Phases()).mutate(asked)
    assert (raised.value.code, raised.value.message) == (404, 'namespaces "none" not found')


async def test_creation_in_a_dying_namespace() -> None:
    obj = Object(metadata=ObjectMeta(name="s"))
    asked = request(ADMIN, "CREATE", "secrets", namespace="dying", obj=obj)
    with pytest.raises(StatusError) as raised:
        await NamespaceLifecycle(Phases()).mutate(asked)
    error = raised.value
    assert error.code == 403
    assert error.message == (
        'secrets "s" is forbidden: unable to create new content in namespace dying '
        "because it is being terminated"
    )
    assert error.details is not None
    (cause,) = error.details.causes
    assert cause.reason == "NamespaceTerminating"
    assert cause.message == "namespace dying is being terminated"


@pytest.mark.parametrize("operation", ["UPDATE", "DELETE"])
async def test_a_dying_namespace_may_be_emptied(operation: str) -> None:
    asked = request(ADMIN, operation, "secrets", namespace="dying", name="s", old=Object())
    await NamespaceLifecycle(Phases()).mutate(asked)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_immortal_namespaces(name: str) -> None:
    old = Object(metadata=ObjectMeta(name=name))
    for asked in (
        request(ADMIN, "DELETE", "namespaces", namespace=name, name=name, old=old),
        request(ADMIN, "DELETE", "namespaces", old=old),
    ):
        with pytest.raises(StatusError) as raised:
            await NamespaceLifecycle(Phases()).mutate(asked)
        assert raised.value.message.endswith("this namespace may not be deleted")


async def test_other_namespaces_are_mortal() -> None:
    old = Object(metadata=ObjectMeta(name="mine"))
    await NamespaceLifecycle(Phases()).mutate(
        request(ADMIN, "DELETE", "namespaces", namespace="mine", name="mine", old=old)
    )


def pod(node: str) -> Pod:
    made = Pod(metadata=ObjectMeta(name="p", namespace="x"))
    made.spec.nodeName = node
    return made


def node(name: str) -> Node:
    return Node(metadata=ObjectMeta(name=name))


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (request(NODE, "UPDATE", "nodes", name="n1", obj=node("n1")), True),
        (request(NODE, "CREATE", "nodes", obj=node("n1")), True),
        (request(NODE, "UPDATE", "nodes", name="n2", obj=node("n2")), False),
        (request(NODE, "CREATE", "nodes", obj=node("n2")), False),
        (request(NODE, "DELETE", "nodes", name="n1", old=node("n1")), False),
        (request(NODE, "UPDATE", "pods", name="p", obj=pod("n1"), old=pod("n1")), True),
        (request(NODE, "UPDATE", "pods", name="p", obj=pod("n1"), old=pod("n2")), False),
        (request(NODE, "DELETE", "pods", name="p", old=pod("n1")), True),
        (request(NODE, "DELETE", "pods", name="p", old=pod("n2")), False),
        (request(NODE, "CREATE", "pods", obj=pod("n1")), False),
        (
            request(
                NODE,
                "UPDATE",
                "leases",
                group="coordination.k8s.io",
                namespace="kube-node-lease",
                name="n1",
            ),
            True,
        ),
        (
            request(
                NODE,
                "UPDATE",
                "leases",
                group="coordination.k8s.io",
                namespace="kube-node-lease",
                name="n2",
            ),
            False,
        ),
        (
            request(
                NODE,
                "UPDATE",
                "leases",
                group="coordination.k8s.io",
                namespace="default",
                name="n1",
            ),
            False,
        ),
        (request(NODE, "CREATE", "events", namespace="x"), True),
        (request(ADMIN, "DELETE", "nodes", name="n1", old=node("n1")), True),
        (request(User("eve", groups=("system:nodes",)), "CREATE", "events"), False),
    ],
)
async def test_node_restriction(asked: AdmissionRequest, allowed: bool) -> None:
    plugin = NodeRestriction(Around())
    await plugin.mutate(asked)
    if allowed:
        await plugin.validate(asked)
        return
    with pytest.raises(StatusError) as raised:
        await plugin.validate(asked)
    assert raised.value.code == 403


def test_node_names() -> None:
    assert node_name(NODE) == "n1"
    assert node_name(ADMIN) is None
    assert node_name(User("system:node:n1")) is None


def tainted_node(*keys: str) -> Node:
    taints = [{"key": key, "effect": "NoSchedule"} for key in keys]
    return from_tree({"metadata": {"name": "n1"}, "spec": {"taints": taints}}, Node)


@pytest.mark.parametrize(
    ("labels", "taints", "allowed"),
    [
        ({"zone": "b"}, ["kept"], True),
        ({"node-restriction.kubernetes.io/tier": "trusted"}, ["kept"], False),
        ({"sub.node-restriction.kubernetes.io/tier": "trusted"}, ["kept"], False),
        ({"node-restriction.kubernetes.io": "no prefix"}, ["kept"], True),
        ({"node-role.kubernetes.io/control-plane": ""}, ["kept"], False),
        ({"kubernetes.io/role": "master"}, ["kept"], False),
        ({"any.k8s.io/x": "y"}, ["kept"], False),
        ({"notkubernetes.io/x": "y"}, ["kept"], True),
        ({"kubernetes.io/hostname": "n1", "beta.kubernetes.io/os": "linux"}, ["kept"], True),
        ({"node.kubernetes.io/x": "y", "a.kubelet.kubernetes.io/x": "y"}, ["kept"], True),
        ({}, [], False),
        ({}, ["other"], False),
    ],
)
async def test_a_node_cannot_draw_workloads_to_itself(
    labels: dict[str, str], taints: list[str], allowed: bool
) -> None:
    old, new = tainted_node("kept"), tainted_node(*taints)
    new.metadata.labels = labels
    asked = request(NODE, "UPDATE", "nodes", name="n1", obj=new, old=old)
    if allowed:
        await NodeRestriction(Around()).validate(asked)
        return
    with pytest.raises(StatusError, match="is not allowed to modify") as caught:
        await NodeRestriction(Around()).validate(asked)
    assert caught.value.code == 403


async def test_a_node_cannot_have_itself_deleted() -> None:
    """CVE-2025-5187: the garbage collector removes what has an owner that does not exist."""
    old, new = node("n1"), node("n1")
    owner = OwnerReference(apiVersion="v1", kind="ConfigMap", name="none", uid="none")
    new.metadata.ownerReferences = [owner]
    for asked in (
        request(NODE, "UPDATE", "nodes", name="n1", obj=new, old=old),
        request(NODE, "UPDATE", "nodes", name="n1", obj=old, old=new),
    ):
        with pytest.raises(StatusError) as caught:
            await NodeRestriction(Around()).validate(asked)
        assert caught.value.message == (
            'nodes "n1" is forbidden: node "n1" is not allowed to modify ownerReferences'
        )


async def test_a_node_cannot_make_its_pods_others() -> None:
    old, new = pod("n1"), pod("n1")
    new.metadata.labels = {"app": "bank"}
    with pytest.raises(StatusError, match="cannot update labels through pod status"):
        await NodeRestriction(Around()).validate(
            request(NODE, "UPDATE", "pods", name="p", obj=new, old=old)
        )


async def test_reserved_labels_of_others_stay_and_do_not_hinder() -> None:
    old, new = node("n1"), node("n1")
    old.metadata.labels = {"node-role.kubernetes.io/worker": ""}
    new.metadata.labels = old.metadata.labels | {"zone": "b"}
    asked = request(NODE, "UPDATE", "nodes", name="n1", obj=new, old=old)
    await NodeRestriction(Around()).validate(asked)
    new.metadata.labels = {"zone": "b"}
    with pytest.raises(StatusError) as caught:
        await NodeRestriction(Around()).validate(asked)
    assert caught.value.message == (
        'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/worker'
    )


async def test_nor_bear_reserved_labels_from_the_start() -> None:
    new = node("n1")
    new.metadata.labels = {"node-restriction.kubernetes.io/tier": "trusted"}
    with pytest.raises(StatusError, match="node-restriction"):
        await NodeRestriction(Around()).validate(request(NODE, "CREATE", "nodes", obj=new))
