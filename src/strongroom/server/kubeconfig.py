"""Kubeconfig files with everything embedded, so that one file is all a client needs."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from strongroom.files import write_if_changed
from strongroom.server.certificates import Pair

CLUSTER = "strongroom"


def write_kubeconfig(path: Path, *, server: str, ca: bytes, user: str, pair: Pair) -> None:
    """Write (0600) a kubeconfig with one cluster, one user and one context named after both."""
    context = f"{user}@{CLUSTER}"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": CLUSTER,
                "cluster": {"certificate-authority-data": _base64(ca), "server": server},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(pair.certificate),
                    "client-key-data": _base64(pair.key),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": CLUSTER, "user": user}}],
        "current-context": context,
        "preferences": {},
    }
    # JSON is YAML: every reader of kubeconfigs takes it, and nothing can be misquoted.
    write_if_changed(path, json.dumps(content, indent=2).encode() + b"\n")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
