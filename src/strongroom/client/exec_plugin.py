"""Credentials from a program that the kubeconfig names (``client.authentication.k8s.io``).

Clouds log people in this way. The program is told what for in ``KUBERNETES_EXEC_INFO`` and writes
an ExecCredential to standard output: a token, or a certificate with its key, and until when. That
is kept in memory until then, or until the server refuses it.
Source: ``k8s.io/client-go/plugin/pkg/client/auth/exec``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.times import parse_time
from strongroom.client.errors import ClientFailure

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"
INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")


class PluginFailed(ClientFailure):
    """The program gave no credentials. Never quotes what it wrote to standard output."""


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """Which program, and how it is run. ``cluster`` is what it is told of the cluster, if so."""

    command: str
    arguments: tuple[str, ...] = field(default=(), repr=False)
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_version: str = V1
    interactive_mode: str = "IfAvailable"
    install_hint: str = ""
    cluster: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a program answered. ``expires`` is None for as long as the process lives."""

    token: str = field(default="", repr=False)
    client_cert: bytes = field(default=b"", repr=False)
    client_key: bytes = field(default=b"", repr=False)
    expires: datetime | None = None


class _Status(msgspec.Struct):
    token: str = ""
    clientCertificateData: str = ""
    clientKeyData: str = ""
    expirationTimestamp: str | None = None


class _ExecCredential(msgspec.Struct):
    apiVersion: str = ""
    kind: str = ""
    status: _Status | None = None


class PluginCredentials:
    """The credentials of one plugin, asked for again when they have expired or were refused."""

    def __init__(self, plugin: ExecPlugin, clock: Clock) -> None:
        self._plugin = plugin
        self._clock = clock
        self._issued: Issued | None = None
        self._asking = asyncio.Lock()

    async def current(self) -> Issued:
        """What is valid now. Raises PluginFailed."""
        async with self._asking:
            issued = self._issued
            if issued is None or (issued.expires and issued.expires <= self._clock.now()):
                self._issued = issued = await ask(self._plugin)
            return issued

    def refused(self, issued: Issued | None) -> None:
        """The server did not accept these: the next request asks for others."""
        if issued is self._issued:
            self._issued = None


async def ask(plugin: ExecPlugin) -> Issued:
    """Run the program once. Raises PluginFailed."""
    interactive = _interactive(plugin)
    program = _found(plugin)
    environment = {
        **os.environ,
        **dict(plugin.environment),
        "KUBERNETES_EXEC_INFO": _info(plugin, interactive),
    }
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *plugin.arguments,
            env=environment,
            stdin=None if interactive else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise PluginFailed(f"exec: {plugin.command}: {error.strerror}") from error
    output, _ = await process.communicate()
    if process.returncode:
        raise PluginFailed(
            f"exec: executable {plugin.command} failed with exit code {process.returncode}"
        )
    return _read(plugin, output)


def _interactive(plugin: ExecPlugin) -> bool:
    """Whether the program may talk to the person. Raises PluginFailed if it must and cannot."""
    if plugin.interactive_mode == "Never":
        return False
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not terminal:
        raise PluginFailed(f"exec: {plugin.command} asks on a terminal, and standard input is none")
    return terminal


def _found(plugin: ExecPlugin) -> str:
    found = shutil.which(plugin.command)
    if found is None:
        hint = f"\n\n{plugin.install_hint}" if plugin.install_hint else ""
        raise PluginFailed(f"exec: executable {plugin.command} not found{hint}")
    return found


def _info(plugin: ExecPlugin, interactive: bool) -> str:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.cluster is not None:
        spec["cluster"] = dict(plugin.cluster)
    return json.dumps({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec})


def _read(plugin: ExecPlugin, output: bytes) -> Issued:
    """The answer of the program. Raises PluginFailed."""
    try:
        answer = msgspec.json.decode(output, type=_ExecCredential)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise PluginFailed(f"exec plugin {plugin.command} wrote no ExecCredential") from None
    if answer.kind != "ExecCredential":
        raise PluginFailed(f"exec plugin {plugin.command} wrote no ExecCredential")
    if answer.apiVersion != plugin.api_version:
        raise PluginFailed(
            f"exec plugin is configured to use API version {plugin.api_version}, "
            "plugin returned another version"
        )
    status = answer.status
    if status is None:
        raise PluginFailed("exec plugin didn't return a status field")
    certificate, key = status.clientCertificateData.encode(), status.clientKeyData.encode()
    if not status.token and not certificate and not key:
        raise PluginFailed("exec plugin didn't return a token or cert/key pair")
    if bool(certificate) != bool(key):
        raise PluginFailed("exec plugin returned only certificate or key, not both")
    return Issued(status.token, certificate, key, _moment(status.expirationTimestamp))


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise PluginFailed("exec plugin returned an expirationTimestamp that is no time") from None


def command_path(command: str, directory: Path) -> str:
    """The command as the kubeconfig in ``directory`` means it: a path is relative to that file."""
    if os.sep in command and not Path(command).is_absolute():
        return str(directory / command)
    return command
