"""The whole chain of authorizers written down a second time, plainly: no index, nothing kept.

``world`` is a cluster (see ``evaluator``) with pods, and with what each webhook says. Selectors are
read as the few forms that the questions have, not by the parser that is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.access.evaluator import Cluster, evaluate

Ask = dict[str, Any]


@dataclass
class World:
    """Everything that decides. ``chain`` names the authorizers in their order."""

    cluster: Cluster = field(default_factory=dict)
    pods: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    chain: list[str] = field(default_factory=list)


def decide(world: World, ask: Ask) -> str:
    """``allow``, ``deny`` or nothing."""
    if "system:masters" in ask["groups"]:
        return "allow"
    for name in world.chain:
        if name == "node":
            said = "allow" if _node_may(world, ask) else ""
        elif name == "rbac":
            said = "allow" if evaluate(world.cluster, ask)[0] else ""
        else:
            said = webhook_says(world.hooks[name], ask)
            said = {"fails": "", "fails closed": "deny"}.get(said, said)
        if said:
            return said
    return ""


def webhook_says(lines: list[dict[str, str]], ask: Ask) -> str:
    """What the first line says that is about the question."""
    for line in lines:
        about = [key for key in ("user", "verb", "resource", "namespace", "path") if key in line]
        if all(line[key] == ask[key] for key in about):
            return line["says"]
    return ""


def _node_may(world: World, ask: Ask) -> bool:
    prefix = "system:node:"
    if "system:nodes" not in ask["groups"] or not ask["user"].startswith(prefix):
        return False
    node = ask["user"][len(prefix) :]
    if not node or ask["path"]:
        return False
    what = ask["group"], ask["resource"]
    if what in (("", "secrets"), ("", "configmaps")):
        return _reads(ask) and not ask["subresource"] and _uses(world, node, ask)
    if what == ("", "serviceaccounts"):
        wanted = {("get", ""), ("create", "token")}
        return (ask["verb"], ask["subresource"]) in wanted and _uses(world, node, ask)
    if what == ("", "pods"):
        return _pod_may(world, node, ask)
    if what == ("", "nodes"):
        if ask["subresource"]:
            return ask["subresource"] == "status" and ask["verb"] in ("update", "patch")
        writes = ask["verb"] in ("create", "update", "patch")
        return writes or (_reads(ask) and ask["name"] == node)
    if what == ("coordination.k8s.io", "leases"):
        own = ask["namespace"] == "kube-node-lease"
        named = ask["verb"] == "create" or ask["name"] == node
        return own and named and ask["verb"] in ("get", "create", "update", "patch", "delete")
    return what == ("", "services") and _reads(ask) and not ask["subresource"]


def _pod_may(world: World, node: str, ask: Ask) -> bool:
    verb, part = ask["verb"], ask["subresource"]
    if not part and verb == "get":
        return _is_on(world, node, ask)
    if not part and verb in ("list", "watch"):
        terms = ask["fields"].replace("==", "=").split(",")
        return f"spec.nodeName={node}" in terms or _is_on(world, node, ask)
    writes = [("", "create"), ("", "delete"), ("status", "update"), ("status", "patch")]
    return (part, verb) in [*writes, ("eviction", "create")]


def _reads(ask: Ask) -> bool:
    return ask["verb"] in ("get", "list", "watch")


def _is_on(world: World, node: str, ask: Ask) -> bool:
    pod = world.pods.get((ask["namespace"], ask["name"]))
    return pod is not None and pod["node"] == node


def _uses(world: World, node: str, ask: Ask) -> bool:
    """Whether a pod of the node, none that it made itself, names the object."""
    return any(
        pod["node"] == node and not pod["mirror"] and ask["name"] in pod[ask["resource"]]
        for (namespace, _), pod in world.pods.items()
        if namespace == ask["namespace"]
    )
