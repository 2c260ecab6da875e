"""Where a webhook is and how it is spoken to, as a kubeconfig says it.

What would let somebody else answer is refused: plain HTTP, certificates that are not verified. So
is what this server does not do for a webhook: running a credential plugin, using a proxy.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from strongroom import tls_memory
from strongroom.kubeconfig import (
    InvalidKubeconfig,
    Tree,
    choose,
    data_of,
    path_of,
    read,
    text_of,
)

_FILES = (
    ("cluster", "certificate-authority"),
    ("user", "client-certificate"),
    ("user", "client-key"),
)
_REFUSED = {
    "insecure-skip-tls-verify": "insecure-skip-tls-verify would let anybody answer",
    "proxy-url": "proxy-url is not supported for webhooks",
    "exec": "exec is not supported for webhooks",
    "auth-provider": "auth-provider is gone from Kubernetes",
}


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A webhook. ``credentials`` makes the Authorization header anew for each call, "" for none.

    ``files`` are those that it was read from: when one changes, it is to be read again.
    """

    url: str
    server_name: str | None
    context: ssl.SSLContext = field(repr=False)
    credentials: Callable[[], str] = field(repr=False)
    files: tuple[Path, ...]


def read_endpoint(path: Path) -> WebhookEndpoint:
    """Read a kubeconfig. Raises InvalidKubeconfig, which names the file and quotes no content."""
    try:
        return _read(path)
    except InvalidKubeconfig as error:
        text = str(error)
        told = text if str(path) in text else f"{path}: {text}"
        raise InvalidKubeconfig(told) from error


def _read(path: Path) -> WebhookEndpoint:
    chosen = choose(read(path))
    cluster, user = chosen.cluster, chosen.user
    for key, why in _REFUSED.items():
        if cluster.get(key) or user.get(key):
            raise InvalidKubeconfig(why)
    url = text_of(cluster, "server")
    if not url.startswith("https://") or "@" in url or "#" in url:
        name = chosen.entry["cluster"]
        raise InvalidKubeconfig(f'cluster "{name}" needs a server that is a plain https URL')
    parts = {"cluster": cluster, "user": user}
    named = (path_of(parts[part], key) for part, key in _FILES if parts[part])
    return WebhookEndpoint(
        url,
        text_of(cluster, "tls-server-name") or None,
        _context(cluster, user),
        _credentials(user),
        (path, *(file for file in named if file is not None)),
    )


def _context(cluster: Tree, user: Tree) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority = data_of(cluster, "certificate-authority")
    certificate, key = data_of(user, "client-certificate"), data_of(user, "client-key")
    if bool(certificate) != bool(key):
        raise InvalidKubeconfig("a client certificate and its client key go together")
    try:
        if authority:
            tls_memory.load_authorities(context, authority)
        else:
            context.load_default_certs()
        if certificate:
            tls_memory.load_pair(context, certificate, key)
    except ValueError as error:
        raise InvalidKubeconfig(str(error)) from None
    return context


def _credentials(user: Tree) -> Callable[[], str]:
    file = path_of(user, "tokenFile")
    if file is not None:
        # Such tokens are renewed under their bearer's feet; the file is small and a call is slow.
        return lambda: _bearer(file.read_text().strip())
    token, name = text_of(user, "token"), text_of(user, "username")
    if token:
        return lambda: _bearer(token)
    if name:
        pair = f"{name}:{text_of(user, 'password')}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return lambda: header
    return lambda: ""


def _bearer(token: str) -> str:
    return f"Bearer {token}"
