"""A node writes its own Node, its own Lease and the pods bound to it, and nothing else's.

Tokens and certificates it gets for the pods bound to it (:mod:`.nodetokens`,
:mod:`.nodecertificates`).

Source: ``plugin/pkg/admission/noderestriction``. It limits identities ``system:node:NAME`` in the
group ``system:nodes``; whether they may write at all is the authorizers' affair.
"""

from __future__ import annotations

from typing import Protocol

from strongroom.access.admission.nodecertificates import NodeCertificates, judge_certificate
from strongroom.access.admission.nodetokens import NodeTokens, judge_token
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import NODE_PREFIX, NODES, User
from strongroom.api.errors import GroupResource, StatusError, forbidden
from strongroom.api.meta import Object

_RESERVED = "node-restriction.kubernetes.io"
_KUBERNETES = ("kubernetes.io", "k8s.io")
_OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OWN_LABELS = frozenset(
    {
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
"""What a node may say of itself in Kubernetes' name (``k8s.io/kubelet/pkg/apis``)."""
_LEASE_NAMESPACE = "kube-node-lease"


def node_name(user: User) -> str | None:
    """The node that this user is; "" for a member of the group without a node's name."""
    if NODES not in user.groups:
        return None
    return user.name.removeprefix(NODE_PREFIX) if user.name.startswith(NODE_PREFIX) else ""


class NodeSurroundings(NodeTokens, NodeCertificates, Protocol):
    """What the judges of tokens and of certificates ask of the rest of the server."""


class NodeRestriction:
    """Refuses what a node writes about anything but itself."""

    name = "NodeRestriction"

    def __init__(self, around: NodeSurroundings) -> None:
        self._around = around

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing. Judges requests for tokens, as the node made them.

        What they leave out is filled in afterwards, and then an audience is no longer the pod's.
        """
        wanted, node = request.attributes, node_name(request.attributes.user)
        part = (wanted.group, wanted.resource, wanted.subresource)
        if node and part == ("", "serviceaccounts", "token"):
            await judge_token(request, node, self._around)

    async def validate(self, request: AdmissionRequest) -> None:
        node = node_name(request.attributes.user)
        if node is None:
            return
        if not node:
            raise _refuse(request, "could not determine node from user")
        wanted = request.attributes
        if (wanted.group, wanted.resource) == ("certificates.k8s.io", "podcertificaterequests"):
            await judge_certificate(request, node, self._around)
        judge = {
            ("", "nodes"): _judge_node,
            ("", "pods"): _judge_pod,
            ("coordination.k8s.io", "leases"): _judge_lease,
        }.get((wanted.group, wanted.resource))
        if judge is not None:
            judge(request, node)


def _refuse(request: AdmissionRequest, why: str) -> StatusError:
    wanted = request.attributes
    return forbidden(GroupResource(wanted.group, wanted.resource), wanted.name, why)


def _judge_node(request: AdmissionRequest, node: str) -> None:
    name = request.attributes.name or (request.obj.metadata.name if request.obj else "")
    if name != node:
        raise _refuse(request, f'node "{node}" is not allowed to modify node "{name}"')
    if request.operation == "DELETE":
        raise _refuse(request, f'node "{node}" cannot delete node "{name}"')
    if request.obj is not None:
        _judge_own_node(request, request.obj, node)


def _judge_own_node(request: AdmissionRequest, obj: Object, node: str) -> None:
    """Labels and taints that keep workloads off a node are not the node's own to change.

    Nor are its owners: with one that does not exist, a node would have itself deleted, and could
    come back without its taints.
    """
    old = request.old
    changed = _changed_labels(obj, old)
    if foreign := ", ".join(sorted(filter(_is_foreign, changed))):
        if old is None:
            why = f'node "{node}" is not allowed to set the following labels: {foreign}'
        else:
            why = f"is not allowed to modify labels: {foreign}"
        raise _refuse(request, why)
    if old is None:
        return
    if _taints(obj) != _taints(old):
        raise _refuse(request, f'node "{node}" is not allowed to modify taints')
    if obj.metadata.ownerReferences != old.metadata.ownerReferences:
        raise _refuse(request, f'node "{node}" is not allowed to modify ownerReferences')


def _changed_labels(obj: Object, old: Object | None) -> set[str]:
    """The keys of labels that are added, removed or changed."""
    before = old.metadata.labels if old is not None else {}
    after = obj.metadata.labels
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _is_foreign(label: str) -> bool:
    """Whether this label of a node is for others to set: it may say which workloads go there."""
    domain = label.rpartition("/")[0]
    if _is_in(domain, _RESERVED):
        return True
    own = label in _OWN_LABELS or any(_is_in(domain, known) for known in _OWN_DOMAINS)
    return not own and any(_is_in(domain, known) for known in _KUBERNETES)


def _is_in(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")


def _taints(obj: Object) -> object:
    return getattr(getattr(obj, "spec", None), "taints", [])


def _judge_pod(request: AdmissionRequest, node: str) -> None:
    if request.operation == "CREATE":
        why = (
            'pod does not have "kubernetes.io/config.mirror" annotation, '
            f'node "{node}" can only create mirror pods'
        )
        raise _refuse(request, why)
    pod = request.old if request.old is not None else request.obj
    if pod is None or bound_to(pod) != node:
        verb = "delete" if request.operation == "DELETE" else "update pod status for"
        why = f'node "{node}" can only {verb} pods with spec.nodeName set to itself'
        raise _refuse(request, why)
    if request.obj is not None and _changed_labels(request.obj, pod):
        # Labels choose a pod for Services and for its owners.
        raise _refuse(request, f'node "{node}" cannot update labels through pod status')


def _judge_lease(request: AdmissionRequest, node: str) -> None:
    name = request.attributes.name or (request.obj.metadata.name if request.obj else "")
    if request.attributes.namespace != _LEASE_NAMESPACE:
        raise _refuse(
            request,
            f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace',
        )
    if name != node:
        why = "can only access node lease with the same name as the requesting node"
        raise _refuse(request, why)


def bound_to(pod: Object) -> str:
    """The node a pod is bound to; admission sees kinds only through their wire names."""
    return str(getattr(getattr(pod, "spec", None), "nodeName", ""))
