"""Small manifests of pods."""

from __future__ import annotations

import json
from typing import Any


def pod(name: str, script: str, *, spec: dict[str, Any] | None = None, **container: Any) -> str:
    """A pod whose one container runs a shell script, once unless ``spec`` says otherwise."""
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", script], **container}
    whole = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [main],
        **(spec or {}),
    }
    return manifest("Pod", name, spec=whole)


def secret(name: str, *, immutable: bool | None = None, **values: str) -> str:
    """A Secret of these plain values."""
    return manifest("Secret", name, stringData=values, immutable=immutable)


def manifest(kind: str, name: str, **fields: Any) -> str:
    """An object of the core group as JSON, which every reader of YAML takes."""
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields})


def mounted(secret: str, **source: Any) -> dict[str, Any]:
    """A pod's ``volumes`` with one Secret; ``MOUNT`` is its place in the container."""
    return {"volumes": [{"name": "s", "secret": {"secretName": secret, **source}}]}


MOUNT = [{"name": "s", "mountPath": "/etc/s"}]
