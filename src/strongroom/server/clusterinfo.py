"""Makes `cluster-info`: where this server is and whom to trust, for who has a bootstrap token only.

Upstream leaves it to kubeadm; here a cluster has it from the start, so that a node can join. What
was written here is brought up to date when the address changes; what anybody edited stays theirs.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

from strongroom.api.clock import Clock
from strongroom.api.meta import ObjectMeta
from strongroom.resources.cluster_info import KUBECONFIG_KEY, NAME, NAMESPACE
from strongroom.resources.configmap import ConfigMap
from strongroom.server.builtins import ensure
from strongroom.server.kinds import Kinds
from strongroom.server.pki import WILDCARDS

PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}"
"""Where anybody may read it, without credentials."""

WRITTEN = "strongroom.io/kubeconfig-sha256"
"""Annotation: the digest of the kubeconfig that was written here. Another one is somebody's own."""


async def ensure_cluster_info(kinds: Kinds, clock: Clock, url: str, pki: Path) -> None:
    """Have it name this URL and the authority in ``pki``, unless somebody edited it.

    Raises StatusError when the store refuses a write.
    """
    text = kubeconfig(url, (pki / "ca.crt").read_bytes())
    annotations = {WRITTEN: _digest(text)}
    meta = ObjectMeta(name=NAME, namespace=NAMESPACE, annotations=annotations)
    wanted = ConfigMap(metadata=meta, data={KUBECONFIG_KEY: text})
    await ensure(kinds.registry("", "configmaps"), clock, wanted, lambda f: _stays(f, text))


def kubeconfig(url: str, ca: bytes) -> str:
    """A kubeconfig with one cluster and nobody in it, in the layout of ``kubeadm init``."""
    authority = base64.b64encode(ca).decode()
    return (
        "apiVersion: v1\n"
        "clusters:\n"
        "- cluster:\n"
        f"    certificate-authority-data: {authority}\n"
        f"    server: {url}\n"
        '  name: ""\n'
        "contexts: null\n"
        'current-context: ""\n'
        "kind: Config\n"
        "users: null\n"
    )


def public_url(url: str, bind: str) -> str:
    """How other machines reach a server; ``url`` is how this one does.

    Where it serves on all addresses, that is by the machine's name, which its certificate names.
    """
    if bind not in WILDCARDS:
        return url
    return f"https://{socket.gethostname().lower()}:{urlsplit(url).port}"


def _stays(found: ConfigMap, text: str) -> bool:
    there = found.data.get(KUBECONFIG_KEY, "")
    return there == text or found.metadata.annotations.get(WRITTEN) != _digest(there)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
