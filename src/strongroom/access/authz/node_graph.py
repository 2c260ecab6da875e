"""What belongs to the pods of each node: their Secrets, ConfigMaps, claims and service accounts,
and the requests for their certificates.

Kept pod by pod, as pods are bound, change and go. What a pod refers to is read off the marks on
its declaration (:mod:`strongroom.resources.references`).
Source: ``plugin/pkg/auth/authorizer/node/graph.go``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from strongroom.resources.pod import Pod
from strongroom.resources.podcertificaterequest_object import PodCertificateRequest
from strongroom.resources.references import secret_references

Thing = tuple[str, str, str]
"""Plural name of a kind, namespace and name."""

_MIRROR = "kubernetes.io/config.mirror"
_PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
_DEFAULT_ACCOUNT = "default"


def _nobody_listens(thing: Thing) -> None:
    """Changes are told to nobody."""


class NodeGraph:
    """Which node may read which object because of its pods."""

    def __init__(self) -> None:
        self._of: dict[Thing, tuple[str, frozenset[Thing]]] = {}
        self._nodes: dict[Thing, Counter[str]] = {}
        self.changed: Callable[[Thing], None] = _nobody_listens
        """Called, after the fact, with each thing that another node uses, or one no longer."""

    def put(self, namespace: str, name: str, pod: Pod | None) -> None:
        """A pod as it is now; None when it is gone, or cannot be read."""
        node = pod.spec.nodeName if pod is not None else ""
        things = frozenset(_things(pod)) if pod is not None and node else frozenset()
        self._set(("pods", namespace, name), node, things)

    def put_request(self, namespace: str, name: str, request: PodCertificateRequest | None) -> None:
        """A request for a pod's certificate as it is now; None when it is gone, or unreadable."""
        key = ("podcertificaterequests", namespace, name)
        node = request.spec.nodeName if request is not None else ""
        self._set(key, node, frozenset({key} if node else ()))

    def _set(self, key: Thing, node: str, things: frozenset[Thing]) -> None:
        before, had = self._of.pop(key, ("", frozenset()))
        if things:
            self._of[key] = (node, things)
        if (before, had) == (node, things):
            return
        for thing in things:
            self._nodes.setdefault(thing, Counter())[node] += 1
        for thing in had:
            nodes = self._nodes[thing]
            nodes[before] -= 1
            if not nodes[before]:
                del nodes[before]
            if not nodes:
                del self._nodes[thing]
        for thing in things ^ had if before == node else things | had:
            self.changed(thing)

    def related(self, node: str, thing: Thing) -> bool:
        """Whether a pod of the node refers to the object or is it, or the node asked for it."""
        return node in self._nodes.get(thing, ())

    def used(self, node: str, namespace: str, secret: str, account: str) -> bool:
        """Whether a pod of the node refers to the Secret and runs as this service account."""
        return self.related(node, _as(account, namespace, secret))


def _things(pod: Pod) -> Iterator[Thing]:
    namespace = pod.metadata.namespace
    yield "pods", namespace, pod.metadata.name
    # A node makes mirror pods itself: they must not give it rights on anything else.
    if _MIRROR in pod.metadata.annotations:
        return
    if pod.spec.serviceAccountName:
        yield "serviceaccounts", namespace, pod.spec.serviceAccountName
    for reference in secret_references(pod):
        if reference.kind in _PLURALS:
            yield _PLURALS[reference.kind], namespace, reference.name
        if reference.kind == "Secret":
            account = pod.spec.serviceAccountName or _DEFAULT_ACCOUNT
            yield _as(account, namespace, reference.name)
    for volume in pod.spec.volumes:
        if volume.persistentVolumeClaim is not None:
            yield "persistentvolumeclaims", namespace, volume.persistentVolumeClaim.claimName
        elif volume.ephemeral is not None:
            yield "persistentvolumeclaims", namespace, f"{pod.metadata.name}-{volume.name}"


def _as(account: str, namespace: str, secret: str) -> Thing:
    """A Secret as pods of one account use it: no kind is called so, so nobody can ask for it."""
    return f"secrets as {account}", namespace, secret
