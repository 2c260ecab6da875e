"""Lets a node read what its own pods use, and little else (``plugin/pkg/auth/authorizer/node``).

Where a rule cannot be judged by the URL alone (which Node is made, which pod's status is written),
the node is let through here and held by :mod:`strongroom.access.admission.noderestriction`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from strongroom.access.authz.defaults.components import NODE_RULES
from strongroom.access.authz.node_graph import NodeGraph
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import NODE_PREFIX, NODES, Attributes, User
from strongroom.api.errors import StatusError
from strongroom.api.gotext import quote
from strongroom.api.selectors import FieldSelector
from strongroom.resources.rbac_rules import compiled

_ALLOWED, _NO_OPINION = Decision(Verdict.ALLOW), Decision()
_RULES = tuple(map(compiled, NODE_RULES))
_READ = ("get", "list", "watch")
_LIFE = ("get", "create", "update", "patch", "delete")
_LEASES = "kube-node-lease"
_CERTIFICATES = "certificates.k8s.io"


class NodeAuthorizer:
    """Has an opinion on nodes only. ``refresh`` waits until the graph shows every known pod."""

    def __init__(self, graph: NodeGraph, refresh: Callable[[], Awaitable[None]]) -> None:
        self._graph = graph
        self._refresh = refresh
        self._judges: dict[tuple[str, str], Callable[[str, Attributes], Decision]] = {
            ("", "secrets"): self._read,
            ("", "configmaps"): self._read,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._get,
            ("resource.k8s.io", "resourceclaims"): self._get,
            ("storage.k8s.io", "volumeattachments"): self._get,
            ("", "serviceaccounts"): self._account,
            ("coordination.k8s.io", "leases"): _lease,
            ("storage.k8s.io", "csinodes"): _csi_node,
            ("resource.k8s.io", "resourceslices"): _slice,
            ("", "nodes"): _node,
            ("", "pods"): self._pod,
            (_CERTIFICATES, "podcertificaterequests"): self._pod_certificate,
        }

    async def authorize(self, attributes: Attributes) -> Decision:
        """ALLOW, or no opinion with upstream's reason."""
        node = node_of(attributes.user)
        if node is None:
            return _NO_OPINION
        if not node:
            return _no(f"unknown node for user {quote(attributes.user.name)}")
        judge = self._judges.get((attributes.group, attributes.resource))
        if attributes.is_resource and judge is not None:
            await self._refresh()
            return judge(node, attributes)
        allowed = any(rule.allows(attributes) for rule in _RULES)
        return _ALLOWED if allowed else _NO_OPINION

    def _related(self, node: str, wanted: Attributes) -> Decision:
        if not wanted.name:
            return _no("No Object name found")
        if self._graph.related(node, (wanted.resource, wanted.namespace, wanted.name)):
            return _ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _read(self, node: str, wanted: Attributes) -> Decision:
        if wanted.verb not in _READ:
            return _no("can only read resources of this type")
        if wanted.subresource:
            return _no("cannot read subresource")
        if not wanted.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, wanted)

    def _get(self, node: str, wanted: Attributes) -> Decision:
        if wanted.verb != "get":
            return _no("can only get individual resources of this type")
        if wanted.subresource:
            return _no("cannot get subresource")
        return self._related(node, wanted)

    def _claim(self, node: str, wanted: Attributes) -> Decision:
        if wanted.subresource != "status":
            return self._get(node, wanted)
        if wanted.verb not in ("update", "patch"):
            return _no("can only get/update/patch this type")
        return self._related(node, wanted)

    def _account(self, node: str, wanted: Attributes) -> Decision:
        if wanted.verb == "get" and not wanted.subresource:
            return self._read(node, wanted)
        if wanted.verb != "create" or not wanted.name:
            return _no("can only create tokens for individual service accounts")
        if wanted.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return self._related(node, wanted)

    def _pod(self, node: str, wanted: Attributes) -> Decision:
        if wanted.subresource == "" and wanted.verb == "get":
            return self._get(node, wanted)
        if wanted.subresource == "" and wanted.verb in ("list", "watch"):
            if _selects(wanted, "spec.nodeName", node):
                return _ALLOWED
            if wanted.name:
                return self._related(node, wanted)
            return _no("can only list/watch pods with spec.nodeName field selector")
        return _ALLOWED if (wanted.subresource, wanted.verb) in _POD_WRITES else _NO_OPINION

    def _pod_certificate(self, node: str, wanted: Attributes) -> Decision:
        if wanted.subresource:
            return _no("nodes may not access the status subresource of PodCertificateRequests")
        if wanted.verb == "create":
            return _ALLOWED
        if wanted.verb == "get":
            return self._related(node, wanted)
        if wanted.verb not in ("list", "watch"):
            return _no(f"nodes may not {wanted.verb} podcertificaterequests")
        if _selects(wanted, "spec.nodeName", node):
            return _ALLOWED
        return _no("can only list/watch podcertificaterequests with nodeName field selector")


_POD_WRITES = frozenset(
    {
        ("", "create"),
        ("", "delete"),
        ("status", "update"),
        ("status", "patch"),
        ("eviction", "create"),
    }
)


def node_of(user: User) -> str | None:
    """The node that a user is, "" where its name lacks; None of anybody else."""
    if NODES not in user.groups or not user.name.startswith(NODE_PREFIX):
        return None
    return user.name.removeprefix(NODE_PREFIX)


def _no(reason: str) -> Decision:
    return Decision(reason=reason)


def _selects(wanted: Attributes, field: str, value: str) -> bool:
    """Whether a request's field selector demands this value."""
    if field not in wanted.field_selector:
        return False
    try:
        return FieldSelector.parse(wanted.field_selector).requires_exact(field) == value
    except StatusError:
        return False


def _lease(node: str, wanted: Attributes) -> Decision:
    if wanted.verb not in _LIFE:
        return _no("can only get, create, update, patch, or delete a node lease")
    if wanted.namespace != _LEASES:
        return _no(f"can only access leases in the {quote(_LEASES)} system namespace")
    if wanted.verb != "create" and wanted.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return _ALLOWED


def _csi_node(node: str, wanted: Attributes) -> Decision:
    if wanted.verb not in _LIFE:
        return _no("can only get, create, update, patch, or delete a CSINode")
    if wanted.subresource:
        return _no("cannot authorize CSINode subresources")
    if wanted.verb != "create" and wanted.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return _ALLOWED


def _slice(node: str, wanted: Attributes) -> Decision:
    """Slices of devices are not served here, so none of them is known to be the node's."""
    if wanted.subresource:
        return _no("cannot authorize ResourceSlice subresources")
    if wanted.verb == "create":
        return _ALLOWED
    if wanted.verb in ("get", "update", "patch", "delete"):
        return _no(f"no relationship found between node '{node}' and this object")
    if _selects(wanted, "spec.nodeName", node):
        return _ALLOWED
    verbs = "list/watch/deletecollection"
    return _no(f"can only {verbs} resourceslices with nodeName field selector")


def _node(node: str, wanted: Attributes) -> Decision:
    if wanted.subresource == "status":
        return _ALLOWED if wanted.verb in ("update", "patch") else _NO_OPINION
    if wanted.subresource:
        return _NO_OPINION
    if wanted.verb in ("create", "update", "patch"):
        return _ALLOWED
    if wanted.verb not in _READ:
        return _NO_OPINION
    if wanted.name == node:
        return _ALLOWED
    if not wanted.name:
        return _no(f"node '{node}' cannot read all nodes, only its own Node object")
    return _no(f"node '{node}' cannot read '{wanted.name}', only its own Node object")
