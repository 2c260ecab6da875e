"""A node agent as a real process beside a real API server, and what tests say to them."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.node.runtimes.port import RuntimeUnavailable
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.event import EVENTS
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.secret import SECRETS, Secret
from strongroom.testing.process import Strongroom
from tests.waiting import until

NODE = socket.gethostname().lower()
PATIENCE = 60.0
"""Seconds after which a test gives up waiting: not a measure of anything."""


class NodeProcess:
    """`python -m strongroom.node` with the certificates that the server made for it."""

    def __init__(self, room: Strongroom, directory: Path) -> None:
        self.log = directory / "node.log"
        self.root = directory / "node"
        data = room.kubeconfig.parent
        pki = data / "pki"
        argv = [sys.executable, "-m", "strongroom.node", "--port", "0"]
        argv += ["--kubeconfig", str(pki / "node.kubeconfig"), "--root-dir", str(self.root)]
        argv += ["--tls-cert-file", str(pki / "node-serving.crt"), "--log-level", "debug"]
        argv += ["--tls-private-key-file", str(pki / "node-serving.key")]
        argv += ["--client-ca-file", str(pki / "ca.crt"), "--hidden-path", str(data)]
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith("ready"):
            self.stop()
            raise RuntimeUnavailable(self.log.read_text())

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        self.process.send_signal(signum)
        code = self.process.wait(timeout=PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Cluster:
    """One namespace of the server, with short ways to say what tests say often."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    async def secret(self, name: str, *, immutable: bool = False, **data: str) -> Secret:
        """Create a Secret."""
        made = Secret(data={k: v.encode() for k, v in data.items()}, immutable=immutable or None)
        made.metadata.name = name
        return await self.client.create(SECRETS, made, self.namespace)

    async def change_secret(self, name: str, **data: str | None) -> Secret:
        """Change keys of a Secret; None removes one."""
        body = {
            "stringData": {k: v for k, v in data.items() if v is not None},
            "data": {k: None for k, v in data.items() if v is None},
        }
        return await self.client.patch(SECRETS, name, self.namespace, body)

    async def config_map(self, name: str, **data: str) -> ConfigMap:
        """Create a ConfigMap."""
        made = ConfigMap(data=dict(data))
        made.metadata.name = name
        return await self.client.create(CONFIG_MAPS, made, self.namespace)

    async def pod(
        self,
        name: str,
        script: str,
        *,
        container: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **spec: Any,
    ) -> Pod:
        """Create a pod of one shell script, bound to the node."""
        main = {"name": "main", "image": "none", "command": ["sh", "-c", script]}
        tree = {
            "metadata": {"name": name, **(metadata or {})},
            "spec": {
                "nodeName": NODE,
                "terminationGracePeriodSeconds": 2,
                "containers": [{**main, **(container or {})}],
                **spec,
            },
        }
        return await self.client.create(PODS, codec.from_tree(tree, Pod), self.namespace)

    async def until(self, name: str, holds: Callable[[Pod], object]) -> Pod:
        """The pod once ``holds`` of it."""
        async with asyncio.timeout(PATIENCE):
            selector = f"metadata.name={name}"
            found = await self.client.list(PODS, self.namespace, field_selector=selector)
            for pod in found.items:
                if holds(pod):
                    return pod
            watch = self.client.watch(
                PODS,
                self.namespace,
                field_selector=selector,
                resource_version=found.revision,
            )
            async with aclosing(watch) as events:
                async for event in events:
                    if event.obj is not None and holds(event.obj):
                        return event.obj
        raise AssertionError(f"the watch of pod {name} ended")

    async def until_phase(self, name: str, phase: str) -> Pod:
        """The pod once it is in this phase."""
        return await self.until(name, lambda pod: pod.status.phase == phase)

    async def until_waiting(self, name: str, reason: str) -> str:
        """Wait until its container waits for this reason; the message."""
        pod = await self.until(name, lambda pod: waiting(pod)[0] == reason)
        return waiting(pod)[1]

    async def until_gone(self, name: str) -> None:
        """Wait until the pod is no longer in the API."""

        async def gone() -> bool:
            selector = f"metadata.name={name}"
            found = await self.client.list(PODS, self.namespace, field_selector=selector)
            return not found.items

        await until(gone)

    async def logs(self, name: str, *, container: str = "main", **query: str) -> str:
        """What a container wrote, through the API server."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/log"
        response = await self.client.request(
            "GET", path, params={"container": container, **query}, accept="*/*"
        )
        return response.body.decode()

    async def until_logged(self, name: str, text: str) -> str:
        """What the container wrote, once ``text`` is in it."""
        written = ""

        async def logged() -> bool:
            nonlocal written
            try:
                written = await self.logs(name)
            except StatusError as error:
                if "is waiting to start" not in error.message:
                    raise
            return text in written

        await until(logged)
        return written

    async def until_told(self, name: str, reason: str, message: str) -> None:
        """Wait for an event about the pod."""

        async def told() -> bool:
            return (reason, message) in await self.events(name)

        await until(told)

    async def events(self, name: str) -> Sequence[tuple[str, str]]:
        """Reason and message of the pod's events."""
        selector = f"involvedObject.name={name}"
        found = await self.client.list(EVENTS, self.namespace, field_selector=selector)
        return [(event.reason, event.message) for event in found.items]


def waiting(pod: Pod) -> tuple[str, str]:
    """Why its first container waits: reason and message, empty when it does not."""
    for status in pod.status.containerStatuses[:1]:
        if status.state.waiting is not None:
            return status.state.waiting.reason, status.state.waiting.message
    return "", ""


def exit_code(pod: Pod) -> int:
    """With which code its first container ended."""
    terminated = pod.status.containerStatuses[0].state.terminated
    assert terminated is not None
    return terminated.exitCode


def condition(pod: Pod, type_: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition."""
    for found in pod.status.conditions:
        if found.type == type_:
            return found.status, found.reason, found.message
    return "", "", ""
