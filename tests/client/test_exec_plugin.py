"""Credentials from a program that the kubeconfig names."""

from __future__ import annotations

import base64
import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.errors import InvalidConfig
from strongroom.client.exec_plugin import V1, V1BETA1, ExecPlugin, PluginFailed, ask
from strongroom.resources.namespace import NAMESPACES
from strongroom.testing.process import Strongroom


class Program:
    """A program beside a kubeconfig: it answers what it is told to, and counts its calls."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "bin" / "login"
        self.path.parent.mkdir()

    def answers(self, **status: str) -> None:
        self.writes(json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status}))

    def writes(self, text: str, code: int = 0) -> None:
        calls = self.directory / "calls"
        self.path.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$KUBERNETES_EXEC_INFO $EXTRA $*" >> {calls}\n'
            f"printf %s {shlex.quote(text)}\nexit {code}\n"
        )
        self.path.chmod(0o700)

    @property
    def calls(self) -> list[str]:
        calls = self.directory / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def kubeconfig(self, api: Strongroom, **cluster: Any) -> Path:
        """A kubeconfig for this server whose user is whom the program says."""
        tree = yaml.safe_load(api.kubeconfig.read_text())
        tree["users"][0]["user"] = {
            "exec": {
                "apiVersion": V1,
                "command": "bin/login",
                "args": ["--for", "me"],
                "env": [{"name": "EXTRA", "value": "more"}],
                "interactiveMode": "Never",
                "provideClusterInfo": True,
            }
        }
        tree["clusters"][0]["cluster"].update(cluster)
        path = self.directory / "config"
        path.write_text(yaml.safe_dump(tree))
        return path


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def admin(api: Strongroom) -> dict[str, str]:
    """The certificate and the key of the administrator."""
    config = load_config(api.kubeconfig)
    return {
        "clientCertificateData": config.client_cert.decode(),
        "clientKeyData": config.client_key.decode(),
    }


async def test_a_certificate_is_used_and_asked_for_once(api: Strongroom, program: Program) -> None:
    program.answers(**admin(api))
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}
    path = program.kubeconfig(api, extensions=[extension])
    async with Client(load_config(path)) as client:
        await client.get(NAMESPACES, "default")
        assert (await client.list(NAMESPACES)).items
    (call,) = program.calls
    info, _, rest = call.rpartition("} ")
    assert rest == "more --for me"
    told = json.loads(info + "}")
    cluster = told["spec"].pop("cluster")
    assert told == {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    assert (cluster["server"], cluster["config"]) == (api.url, {"audience": "a"})
    assert base64.b64decode(cluster["certificate-authority-data"]).startswith(b"-----BEGIN")


async def test_what_has_expired_is_asked_for_again(api: Strongroom, program: Program) -> None:
    class Moved:
        at = datetime(2026, 1, 1, tzinfo=UTC)

        def now(self) -> datetime:
            return self.at

        def monotonic(self) -> float:
            return self.at.timestamp()

    clock = Moved()
    program.answers(expirationTimestamp="2026-01-01T01:00:00Z", **admin(api))
    async with Client(load_config(program.kubeconfig(api)), clock=clock) as client:
        for minutes, calls in ((0, 1), (59, 1), (60, 2)):
            clock.at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
            await client.get(NAMESPACES, "default")
            assert len(program.calls) == calls


async def test_what_the_server_refuses_is_asked_for_again(
    api: Strongroom, program: Program
) -> None:
    program.answers(token="hunter2")
    async with Client(load_config(program.kubeconfig(api))) as client:
        with pytest.raises(StatusError) as refused:
            await client.get(NAMESPACES, "default")
        assert refused.value.code == 401
        program.answers(**admin(api))
        await client.get(NAMESPACES, "default")
    assert len(program.calls) == 2


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", 3, "login failed with exit code 3"),
        ("hunter2", 0, "login wrote no ExecCredential"),
        ('{"kind": "Status", "apiVersion": "v1"}', 0, "login wrote no ExecCredential"),
        (json.dumps({"kind": "ExecCredential", "apiVersion": V1BETA1}), 0, "returned another"),
        (json.dumps({"kind": "ExecCredential", "apiVersion": V1}), 0, "didn't return a status"),
        *[
            (json.dumps({"kind": "ExecCredential", "apiVersion": V1, "status": status}), 0, told)
            for status, told in (
                ({}, "didn't return a token or cert/key pair"),
                ({"clientKeyData": "hunter2"}, "only certificate or key, not both"),
                ({"token": "hunter2", "expirationTimestamp": "hunter2"}, "is no time"),
            )
        ],
    ],
)
async def test_what_a_program_does_wrong_is_told_and_not_quoted(
    program: Program, text: str, code: int, told: str
) -> None:
    program.writes(text, code)
    with pytest.raises(PluginFailed, match=told) as caught:
        await ask(ExecPlugin(str(program.path), interactive_mode="Never"))
    assert "hunter2" not in str(caught.value)


async def test_a_missing_program_is_told_with_how_to_get_it() -> None:
    with pytest.raises(PluginFailed, match="/nonexistent/login not found\n\nget it"):
        await ask(ExecPlugin("/nonexistent/login", install_hint="get it"))


async def test_a_program_that_must_ask_needs_a_terminal(program: Program) -> None:
    program.answers(token="t")
    with pytest.raises(PluginFailed, match="standard input is none"):
        await ask(ExecPlugin(str(program.path), interactive_mode="Always"))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("x", "exec is not an object"),
        ({"apiVersion": V1}, "command must be specified"),
        ({"apiVersion": "v1", "command": "x"}, "apiVersion must be"),
        ({"apiVersion": V1, "command": "x"}, "interactiveMode must be specified"),
        ({"apiVersion": V1BETA1, "command": "x", "interactiveMode": "no"}, "must be one of"),
        ({"apiVersion": V1BETA1, "command": "x", "args": "x"}, "args is not a list"),
        ({"apiVersion": V1BETA1, "command": "x", "env": ["x"]}, "env is not a list"),
        ({"apiVersion": V1BETA1, "command": 1}, "command is not a string"),
    ],
)
def test_a_kubeconfig_that_names_no_program(tmp_path: Path, entry: object, told: str) -> None:
    path = tmp_path / "config"
    tree = {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "https://x"}}],
        "users": [{"name": "x", "user": {"exec": entry}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(InvalidConfig, match=told):
        load_config(path)


def test_no_credential_is_in_the_repr() -> None:
    plugin = ExecPlugin("login", arguments=("hunter2",), environment=(("TOKEN", "hunter2"),))
    assert "hunter2" not in repr(plugin)
