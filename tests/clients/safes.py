"""The kinds of the operator and those by which kopf's operators know of each other."""

from __future__ import annotations

from typing import Any, Final

from tests.clients.safes_operator import GROUP

_FREE: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _definition(group: str, scope: str, kind: str, **version: Any) -> dict[str, Any]:
    plural = kind.lower() + "s"
    schema = {"type": "object", "properties": {"spec": _FREE, "status": _FREE}}
    served = {"name": "v1", "served": True, "storage": True} | version
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{"schema": {"openAPIV3Schema": schema}, **served}],
        },
    }


SAFES: Final = _definition(GROUP, "Namespaced", "Safe", subresources={"status": {}})
# kopf keeps its peers in the status by patches of the whole object: there is no subresource.
DEFINITIONS: Final = [
    SAFES,
    _definition("kopf.dev", "Cluster", "ClusterKopfPeering"),
    _definition("kopf.dev", "Namespaced", "KopfPeering"),
]


def peering(name: str) -> dict[str, Any]:
    """Where operators of a namespace enter themselves."""
    return {"apiVersion": "kopf.dev/v1", "kind": "KopfPeering", "metadata": {"name": name}}


def safe(name: str, owner: str, **labels: str) -> dict[str, Any]:
    """A Safe."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Safe",
        "metadata": {"name": name, "labels": labels},
        "spec": {"owner": owner, "combination": "c"},
    }
