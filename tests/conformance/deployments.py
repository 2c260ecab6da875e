"""Deployments as upstream's tests apply them."""

from __future__ import annotations

from typing import Any


def deployment(name: str = "deployment", **fields: Any) -> dict[str, Any]:
    """A valid Deployment; ``fields`` are of its spec."""
    labels = {"app": "nginx"}
    container = {
        "name": "nginx",
        "image": "nginx:latest",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
    }
    spec = {
        "replicas": 5,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    meta = {"name": name, "labels": labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": spec | fields,
    }
