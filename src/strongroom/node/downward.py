"""The downward API: what a pod may learn about itself, as environment or as files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from strongroom.api.gotext import quote
from strongroom.node.quantities import divided, parse_quantity
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_env import ObjectFieldSelector, ResourceFieldSelector

_SUBSCRIPTED = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")


class DownwardError(ValueError):
    """The field cannot be told; the message says which."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What this node tells its pods: its name, its addresses, and what it can give (quantities)."""

    name: str
    addresses: tuple[str, ...]
    allocatable: Mapping[str, str] = field(default_factory=dict)


def pod_field(pod: Pod, selector: ObjectFieldSelector, node: NodeFacts) -> str:
    """The value of a ``fieldRef``. Raises :class:`DownwardError` for a path that is none."""
    path = selector.fieldPath
    meta = pod.metadata
    if match := _SUBSCRIPTED.fullmatch(path):
        values = meta.labels if match[1] == "metadata.labels" else meta.annotations
        return values.get(match[2], "")
    address = node.addresses[0] if node.addresses else ""
    simple = {
        "metadata.name": meta.name,
        "metadata.namespace": meta.namespace,
        "metadata.uid": meta.uid,
        "spec.nodeName": pod.spec.nodeName,
        "spec.serviceAccountName": pod.spec.serviceAccountName,
        # The process runtime shares the host's network: the pod's address is the node's.
        "status.hostIP": address,
        "status.hostIPs": ",".join(node.addresses),
        "status.podIP": address,
        "status.podIPs": ",".join(node.addresses),
    }
    if path in simple:
        return simple[path]
    if path == "metadata.labels":
        return _lines(meta.labels)
    if path == "metadata.annotations":
        return _lines(meta.annotations)
    raise DownwardError(f"unsupported fieldPath: {path}")


def resource_field(container: Container, selector: ResourceFieldSelector, node: NodeFacts) -> str:
    """The value of a ``resourceFieldRef``: a limit or request of the container, in divisors.

    A limit that is not set is what the node can give, as upstream has it; a request is then 0.
    """
    side, _, name = selector.resource.partition(".")
    given: Mapping[str, str | int | float]
    if side == "limits":
        given = container.resources.limits
        fallback = node.allocatable.get(name, "0")
    elif side == "requests":
        given = container.resources.requests
        fallback = str(container.resources.limits.get(name, "0"))
    else:
        raise DownwardError(f"unsupported container resource : {selector.resource}")
    try:
        quantity = parse_quantity(str(given.get(name, fallback)))
        return str(divided(quantity, str(selector.divisor or "")))
    except ValueError:
        raise DownwardError(f"{selector.resource} is not a quantity") from None


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={quote(values[key])}" for key in sorted(values))
