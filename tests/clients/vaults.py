"""The custom kind that the client families use: made for these tests, with a status and a scale."""

from __future__ import annotations

from typing import Any, Final

GROUP: Final = "clients.example.com"
NAME: Final = f"vaults.{GROUP}"

_SPEC: Final = {
    "type": "object",
    "required": ["owner"],
    "properties": {
        "owner": {"type": "string", "minLength": 1},
        "doors": {"type": "integer", "minimum": 0, "default": 1},
        "keys": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "shape": {"type": "string"}},
            },
        },
    },
}
_STATUS: Final = {
    "type": "object",
    "properties": {"open": {"type": "boolean"}, "doors": {"type": "integer"}},
}
DEFINITION: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": NAME},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "vaults", "singular": "vault", "kind": "Vault", "shortNames": ["vt"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.doors",
                        "statusReplicasPath": ".status.doors",
                    },
                },
                "additionalPrinterColumns": [
                    {"name": "Owner", "type": "string", "jsonPath": ".spec.owner"}
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": _SPEC, "status": _STATUS},
                    }
                },
            }
        ],
    },
}


def vault(name: str, owner: str = "me", **spec: Any) -> dict[str, Any]:
    """A Vault of this owner."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Vault",
        "metadata": {"name": name},
        "spec": {"owner": owner, **spec},
    }
