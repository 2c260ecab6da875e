"""Ways to the values of a Secret without the right that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.cli.rights.case import Case, Place
from strongroom.cli.rights.held import Right, Whom, right
from strongroom.cli.rights.keys import key_ways
from strongroom.cli.rights.paths import READING, Path, Way
from strongroom.cli.rights.standards import (
    CREATE_PODS,
    NODE_PROXY,
    READ_SECRETS,
    SECRETS,
    WEBHOOKS,
    Numbers,
)
from strongroom.resources.rbac import USER

ANSWERED = Way("answer", "another verb shows the values", Numbers(READ_SECRETS, SECRETS))
HISTORY = Way("history", "read earlier states", Numbers(READ_SECRETS, SECRETS))
PODS = Way("pods", "create pods that use it", Numbers(CREATE_PODS))
CONTROLLERS = Way("controllers", "have pods made that use it", Numbers(CREATE_PODS))
EXEC = Way("exec", "enter pods that use it", Numbers())
PROXY = Way("nodes-proxy", "enter pods by their node's kubelet", Numbers(NODE_PROXY))
SHARED = Way("shared", "have pods made where it is shared with", Numbers(CREATE_PODS))
HOOKS = Way("webhooks", "be sent what is written", Numbers(WEBHOOKS))
NODE = Way("node", "run pods that use it", Numbers(owasp=SECRETS))

_WRITE = ("create", "update", "patch")
_WORKLOADS = (
    ("replicationcontrollers", ""),
    ("deployments", "apps"),
    ("replicasets", "apps"),
    ("statefulsets", "apps"),
    ("daemonsets", "apps"),
    ("jobs", "batch"),
    ("cronjobs", "batch"),
)
_HOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")

MAKE_PODS = (right("create", "pods"),)
MAKE_CONTROLLERS = tuple(
    right(verb, resource, group, any_name=True) for resource, group in _WORKLOADS for verb in _WRITE
)
WRITE_HOOKS = tuple(
    right(verb, hooks, "admissionregistration.k8s.io", any_name=True)
    for hooks in _HOOKS
    for verb in _WRITE
)
REVISIONS = tuple(
    right(verb, "secretrevisions", "strongroom.io", any_name=True) for verb in READING
)


def enter(pod: str = "") -> tuple[Right, ...]:
    """The rights by which a pod is entered, or any pod without a name.

    Those of exec and attach are asked for as ``get`` by WebSockets of older servers.
    """
    verbs = [(verb, f"pods/{way}") for verb in ("create", "get") for way in ("exec", "attach")]
    verbs += [(verb, "pods/ephemeralcontainers") for verb in ("update", "patch")]
    return tuple(right(verb, what, name=pod, any_name=not pod) for verb, what in verbs)


def reading_ways(case: Case) -> Iterator[Path]:
    """The ways that are open to anybody."""
    namespace = case.asked.namespace
    ways = {
        ANSWERED: [Place(namespace, _answered(case))],
        HISTORY: [Place(namespace, REVISIONS)],
        PODS: [Place(namespace, MAKE_PODS)],
        CONTROLLERS: [Place(namespace, MAKE_CONTROLLERS)],
        EXEC: [Place(namespace, enter(pod.name), f"Pod {pod.name}") for pod in case.pods],
        PROXY: [Place("", _proxy(node), f"Node {node}") for node in _nodes(case)],
        SHARED: [
            Place(elsewhere, MAKE_PODS + MAKE_CONTROLLERS, f"Namespace {elsewhere}")
            for elsewhere in case.facts.shared_with(namespace, case.asked.name)
        ],
        HOOKS: [Place("", WRITE_HOOKS)],
    }
    for way, places in ways.items():
        yield from case.paths(way, places)
    yield from key_ways(case)
    yield from _node_paths(case)


def _node_paths(case: Case) -> Iterator[Path]:
    """The nodes that are given the values because pods of theirs use them."""
    for node, pods in _nodes(case).items():
        yield Path(Whom(USER, f"system:node:{node}"), NODE, targets=tuple(pods))


def _answered(case: Case) -> tuple[Right, ...]:
    """Every other verb whose answer holds the object: a patch may change nothing."""
    verbs = [verb for verb in (*READING, "patch", "deletecollection") if verb != case.asked.verb]
    name = case.asked.name
    return tuple(right(verb, "secrets", name=name, any_name=not name) for verb in verbs)


def _nodes(case: Case) -> dict[str, list[str]]:
    """The pods that use it, by the node that they are on."""
    nodes: dict[str, list[str]] = {}
    for pod in case.pods:
        if pod.node:
            nodes.setdefault(pod.node, []).append(f"Pod {pod.namespace}/{pod.name}")
    return nodes


def _proxy(node: str) -> tuple[Right, ...]:
    return tuple(right(verb, "nodes/proxy", name=node) for verb in ("get", "create"))
