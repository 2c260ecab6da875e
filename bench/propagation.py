"""Secret → file: how long after the acknowledged write the pod's file has changed.

The pod waits on inotify and prints when it saw each value; both clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, TypeVar

from bench.cases import Measurements
from bench.target import Target
from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.client.client import Client
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.pod import PODS
from strongroom.resources.secret import SECRETS

SCRIPT = """
import ctypes, os, time
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, b"/etc/bench", 0x80)
while True:
    print("value", open("/etc/bench/value").read(), repr(time.time()), flush=True)
    os.read(watch, 4096)
"""

MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "reader"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "reader",
                "image": "python:3",
                "command": ["python3", "-c", SCRIPT],
                "volumeMounts": [{"name": "secret", "mountPath": "/etc/bench"}],
            }
        ],
        "volumes": [{"name": "secret", "secret": {"secretName": "reader"}}],
    },
}


async def propagation(target: Target, changes: int = 100) -> Measurements:
    """p50 and p99 of the delay over ``changes`` changes, in milliseconds."""
    namespace = "propagation"
    async with Client(target.config) as client:
        await client.create(NAMESPACES, _object(NAMESPACES.type, {"metadata": {"name": namespace}}))
        secret = {"metadata": {"name": "reader"}, "stringData": {"value": "start"}}
        await client.create(SECRETS, _object(SECRETS.type, secret), namespace)
        await client.create(PODS, _object(PODS.type, MANIFEST), namespace)
        await _seen(client, namespace, "start")
        written = {}
        for number in range(changes):
            value = f"v{number}"
            await client.patch(SECRETS, "reader", namespace, {"stringData": {"value": value}})
            written[value] = time.time()
            await asyncio.sleep(0.05)
        seen = await _seen(client, namespace, f"v{changes - 1}")
        await client.delete(NAMESPACES, namespace)
    delays = sorted((seen[v] - at) * 1000 for v, at in written.items() if v in seen)
    return {
        "secret to file p50 ms": delays[len(delays) // 2],
        "secret to file p99 ms": delays[int(len(delays) * 0.99)],
        "changes seen of those made": len(delays) / changes,
    }


async def _seen(client: Client, namespace: str, last: str) -> dict[str, float]:
    """When the pod saw each value, once it has seen ``last``."""
    path = f"/api/v1/namespaces/{namespace}/pods/reader/log"
    why = "its log was empty"
    for _ in range(300):
        try:
            text = (await client.request("GET", path)).body.decode()
        except StatusError as error:
            why = error.message  # the container has not started yet
        else:
            lines = re.findall(r"value (\S+) ([0-9.]+)", text)
            found = {value: float(at) for value, at in reversed(lines)}
            if last in found:
                return found
        await asyncio.sleep(0.1)
    raise SystemExit(f"bench: the pod never saw {last}: {why}")


T = TypeVar("T", bound=Object)


def _object(kind: type[T], tree: dict[str, Any]) -> T:
    return codec.from_tree(tree, kind)
