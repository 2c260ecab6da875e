"""The ``exec`` part of a kubeconfig's user, checked."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strongroom.client.errors import InvalidConfig
from strongroom.client.exec_plugin import INTERACTIVE_MODES, V1, V1BETA1, ExecPlugin, command_path

_EXTENSION = "client.authentication.k8s.io/exec"


def exec_plugin(
    user: str, entry: object, directory: Path, cluster: Mapping[str, Any], ca_data: bytes
) -> ExecPlugin:
    """The plugin that ``entry`` describes. Raises InvalidConfig, which names the user."""
    where = f'user "{user}": exec'
    if not isinstance(entry, dict):
        raise InvalidConfig(f"{where} is not an object")
    command, version = _text(where, entry, "command"), _text(where, entry, "apiVersion")
    if not command:
        raise InvalidConfig(f"{where}: command must be specified")
    if version not in (V1, V1BETA1):
        raise InvalidConfig(f"{where}: apiVersion must be {V1} or {V1BETA1}")
    mode = _text(where, entry, "interactiveMode")
    if not mode and version == V1:
        raise InvalidConfig(f"{where}: interactiveMode must be specified")
    if mode and mode not in INTERACTIVE_MODES:
        raise InvalidConfig(f"{where}: interactiveMode must be one of {INTERACTIVE_MODES}")
    told = _told(cluster, ca_data) if entry.get("provideClusterInfo") else None
    return ExecPlugin(
        command=command_path(command, directory),
        arguments=_strings(where, entry.get("args")),
        environment=_environment(where, entry.get("env")),
        api_version=version,
        interactive_mode=mode or "IfAvailable",
        install_hint=_text(where, entry, "installHint"),
        cluster=told,
    )


def _told(cluster: Mapping[str, Any], ca_data: bytes) -> dict[str, Any]:
    """What the program is told of the cluster, with the extension that is meant for it."""
    told = {
        "server": cluster.get("server"),
        "tls-server-name": cluster.get("tls-server-name"),
        "insecure-skip-tls-verify": cluster.get("insecure-skip-tls-verify"),
        "certificate-authority-data": base64.b64encode(ca_data).decode() or None,
        "proxy-url": cluster.get("proxy-url"),
    }
    for extension in cluster.get("extensions") or ():
        if isinstance(extension, dict) and extension.get("name") == _EXTENSION:
            told["config"] = extension.get("extension")
    return {name: value for name, value in told.items() if value}


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidConfig(f"{where}: {key} is not a string")
    return value


def _strings(where: str, values: object) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidConfig(f"{where}: args is not a list of strings")
    return tuple(values)


def _environment(where: str, entries: object) -> tuple[tuple[str, str], ...]:
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidConfig(f"{where}: env is not a list of names and values")
    return tuple((_text(where, e, "name"), _text(where, e, "value")) for e in entries)
