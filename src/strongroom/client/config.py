"""How to reach an API server: kubeconfig files, merged and resolved as kubectl does it.

The first file of ``KUBECONFIG`` that names a cluster, user or context wins; relative paths are
relative to the file that holds them (:mod:`strongroom.kubeconfig`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from strongroom.client.errors import InvalidConfig
from strongroom.client.exec_plugin import ExecPlugin
from strongroom.client.kubeconfig_exec import exec_plugin
from strongroom.client.proxy import proxy_for
from strongroom.kubeconfig import (
    InvalidKubeconfig,
    Tree,
    choose,
    data_of,
    merge,
    path_of,
    read,
    text_of,
)

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything needed to speak to one server as one user. Credentials stay out of the repr."""

    server: str
    ca_data: bytes = field(default=b"", repr=False)
    insecure: bool = False
    tls_server_name: str = ""
    client_cert: bytes = field(default=b"", repr=False)
    client_key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    plugin: ExecPlugin | None = None
    proxy: str = field(default="", repr=False)
    """URL of the proxy that leads to the server, which may hold a password; empty for none."""
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()
    impersonate_uid: str = ""
    impersonate_extra: tuple[tuple[str, str], ...] = ()
    """Each further attribute with one of its values."""
    namespace: str = "default"
    context: str = ""

    def impersonating(self, user: str, groups: tuple[str, ...] = ()) -> ClientConfig:
        """The same access on behalf of somebody else (``--as``)."""
        return replace(
            self,
            impersonate_user=user,
            impersonate_groups=groups,
            impersonate_uid="",
            impersonate_extra=(),
        )


def load_config(
    path: str | Path | None = None,
    *,
    context: str = "",
    environ: Mapping[str, str] = os.environ,
) -> ClientConfig:
    """The configuration that kubectl would use.

    In order: ``path``, the files of ``$KUBECONFIG``, ``~/.kube/config``, the service account of the
    pod that this process runs in. Raises :class:`InvalidConfig` when none holds a usable server.
    """
    try:
        return _load(path, context, environ)
    except InvalidKubeconfig as error:
        raise InvalidConfig(str(error)) from error


def _load(path: str | Path | None, context: str, environ: Mapping[str, str]) -> ClientConfig:
    if path is not None:
        return _resolve(read(Path(path)), context, environ)
    listed = [Path(p) for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    candidates = listed or [Path.home() / ".kube" / "config"]
    found = [read(p) for p in candidates if p.exists()]
    if not found:
        in_cluster = in_cluster_config(environ)
        if in_cluster is not None:
            return in_cluster
        names = ", ".join(str(p) for p in candidates)
        raise InvalidConfig(f"no kubeconfig found (looked at {names}); set KUBECONFIG")
    return _resolve(merge(found), context, environ)


def in_cluster_config(environ: Mapping[str, str]) -> ClientConfig | None:
    """The pod's own service account, if this process runs in a pod that has one."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token_file, ca_file = _SERVICE_ACCOUNT / "token", _SERVICE_ACCOUNT / "ca.crt"
    if not host or not port or not token_file.exists() or not ca_file.exists():
        return None
    namespace_file = _SERVICE_ACCOUNT / "namespace"
    namespace = namespace_file.read_text().strip() if namespace_file.exists() else "default"
    bracketed = f"[{host}]" if ":" in host else host
    return ClientConfig(
        server=f"https://{bracketed}:{port}",
        ca_data=ca_file.read_bytes(),
        token_file=token_file,
        namespace=namespace,
    )


def _resolve(tree: Tree, context: str, environ: Mapping[str, str]) -> ClientConfig:
    chosen = choose(tree, context)
    cluster, user = chosen.cluster, chosen.user
    server = text_of(cluster, "server")
    if not server.startswith(("https://", "http://")):
        raise InvalidConfig(f'cluster "{chosen.entry["cluster"]}" has no usable server address')
    if "auth-provider" in user:
        user_name = chosen.entry["user"]
        raise InvalidConfig(f'user "{user_name}": auth-provider is gone from Kubernetes; use exec')
    ca_data = data_of(cluster, "certificate-authority")
    plugin = None
    if user.get("exec") is not None:
        plugin = exec_plugin(chosen.entry["user"], user["exec"], user[".dir"], cluster, ca_data)
    return ClientConfig(
        server=server.rstrip("/"),
        ca_data=ca_data,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=text_of(cluster, "tls-server-name"),
        client_cert=data_of(user, "client-certificate"),
        client_key=data_of(user, "client-key"),
        token=text_of(user, "token"),
        token_file=path_of(user, "tokenFile"),
        username=text_of(user, "username"),
        password=text_of(user, "password"),
        plugin=plugin,
        proxy=proxy_for(server, text_of(cluster, "proxy-url"), environ),
        impersonate_user=text_of(user, "as"),
        impersonate_groups=tuple(user.get("as-groups") or ()),
        impersonate_uid=text_of(user, "as-uid"),
        impersonate_extra=_extra(user.get("as-user-extra")),
        namespace=text_of(chosen.entry, "namespace") or "default",
        context=chosen.context,
    )


def _extra(entry: object) -> tuple[tuple[str, str], ...]:
    if entry is None:
        return ()
    if not isinstance(entry, dict) or not all(isinstance(v, list) for v in entry.values()):
        raise InvalidConfig("as-user-extra is not an object of lists")
    return tuple((str(key), str(value)) for key, values in entry.items() for value in values)
