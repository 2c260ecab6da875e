"""How to reach an API server: kubeconfig files, merged and resolved as kubectl does it.

The first file of ``KUBECONFIG`` that names a cluster, user or context wins; relative paths are
relative to the file that holds them. Unknown fields are ignored, as every client does: other
tools keep their own settings there.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from strongroom.client.errors import InvalidConfig
from strongroom.client.exec_plugin import ExecPlugin
from strongroom.client.kubeconfig_exec import exec_plugin
from strongroom.client.proxy import proxy_for

Tree = dict[str, Any]

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
    if path is not None:
        return resolve(merge([_read(Path(path))]), context, environ)
    listed = [Path(p) for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    candidates = listed or [Path.home() / ".kube" / "config"]
    found = [_read(p) for p in candidates if p.exists()]
    if not found:
        in_cluster = in_cluster_config(environ)
        if in_cluster is not None:
            return in_cluster
        names = ", ".join(str(p) for p in candidates)
        raise InvalidConfig(f"no kubeconfig found (looked at {names}); set KUBECONFIG")
    return resolve(merge(found), context, environ)


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


def merge(files: list[Tree]) -> Tree:
    """One tree of several: for each named entry and the current context, the first file wins."""
    merged: Tree = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for tree in files:
        for kind in ("clusters", "users", "contexts"):
            for name, entry in tree[kind].items():
                merged[kind].setdefault(name, entry)
        merged["current-context"] = merged["current-context"] or tree["current-context"]
    return merged


def resolve(tree: Tree, context: str = "", environ: Mapping[str, str] = os.environ) -> ClientConfig:
    """The configuration of one context (or the current one). Raises :class:`InvalidConfig`."""
    name = context or tree["current-context"]
    if not name:
        raise InvalidConfig("the kubeconfig has no current context; name one with --context")
    if name not in tree["contexts"]:
        raise InvalidConfig(f'context "{name}" does not exist')
    chosen = tree["contexts"][name]
    cluster = _referenced(tree, "clusters", chosen, "cluster")
    user = _referenced(tree, "users", chosen, "user") if chosen.get("user") else {}
    server = _text(cluster, "server")
    if not server.startswith(("https://", "http://")):
        raise InvalidConfig(f'cluster "{chosen["cluster"]}" has no usable server address')
    if "auth-provider" in user:
        user_name = chosen["user"]
        raise InvalidConfig(f'user "{user_name}": auth-provider is gone from Kubernetes; use exec')
    token_file = _text(user, "tokenFile")
    ca_data = _bytes(cluster, "certificate-authority")
    plugin = None
    if user.get("exec") is not None:
        plugin = exec_plugin(chosen["user"], user["exec"], user[".dir"], cluster, ca_data)
    return ClientConfig(
        server=server.rstrip("/"),
        ca_data=ca_data,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=_text(cluster, "tls-server-name"),
        client_cert=_bytes(user, "client-certificate"),
        client_key=_bytes(user, "client-key"),
        token=_text(user, "token"),
        token_file=_path(user, token_file) if token_file else None,
        username=_text(user, "username"),
        password=_text(user, "password"),
        plugin=plugin,
        proxy=proxy_for(server, _text(cluster, "proxy-url"), environ),
        impersonate_user=_text(user, "as"),
        impersonate_groups=tuple(user.get("as-groups") or ()),
        impersonate_uid=_text(user, "as-uid"),
        impersonate_extra=_extra(user.get("as-user-extra")),
        namespace=_text(chosen, "namespace") or "default",
        context=name,
    )


def _read(path: Path) -> Tree:
    """One file with its entries by name; each entry remembers the directory of its file."""
    try:
        tree = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise InvalidConfig(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        # The parser's own message quotes the line, which may hold a key.
        raise InvalidConfig(f"{path} is not valid YAML") from None
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise InvalidConfig(f"{path} is not a kubeconfig")
    read: Tree = {"current-context": tree.get("current-context") or ""}
    for kind, inner in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        read[kind] = _entries(path, tree.get(kind), inner)
    return read


def _entries(path: Path, entries: object, inner: str) -> Tree:
    named: Tree = {}
    if entries is None:
        return named
    if not isinstance(entries, list):
        raise InvalidConfig(f"{path}: {inner}s is not a list")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise InvalidConfig(f"{path}: an entry of {inner}s has no name")
        body = entry.get(inner) or {}
        if not isinstance(body, dict):
            raise InvalidConfig(f'{path}: {inner} "{entry["name"]}" is not an object')
        named.setdefault(entry["name"], {**body, ".dir": path.absolute().parent})
    return named


def _referenced(tree: Tree, kind: str, context: Tree, key: str) -> Tree:
    name = _text(context, key)
    entry = tree[kind].get(name)
    if entry is None:
        raise InvalidConfig(f'{key} "{name}" does not exist')
    return dict(entry)


def _text(entry: Tree, key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidConfig(f"{key} is not a string")
    return value


def _extra(entry: object) -> tuple[tuple[str, str], ...]:
    if entry is None:
        return ()
    if not isinstance(entry, dict) or not all(isinstance(v, list) for v in entry.values()):
        raise InvalidConfig("as-user-extra is not an object of lists")
    return tuple((str(key), str(value)) for key, values in entry.items() for value in values)


def _path(entry: Tree, text: str) -> Path:
    return Path(entry[".dir"]) / text


def _bytes(entry: Tree, key: str) -> bytes:
    """``KEY-data`` (base64) before the file that ``KEY`` names, as upstream has it."""
    inline = _text(entry, f"{key}-data")
    if inline:
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidConfig(f"{key}-data is not base64") from None
    name = _text(entry, key)
    if not name:
        return b""
    try:
        return _path(entry, name).read_bytes()
    except OSError as error:
        raise InvalidConfig(f"cannot read {key} {name}: {error.strerror}") from error
