"""Gathers what `strongroom status` tells, from the state files and from the API."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.errors import ClientFailure
from strongroom.paths import run_dir
from strongroom.resources.node import NODES
from strongroom.resources.pod import PODS


def inspect(data_dir: Path | None, kubeconfig: str | None, context: str = "") -> dict[str, Any]:
    """All facts as plain values. A server that does not answer is a fact, not an error."""
    facts: dict[str, Any] = {}
    if data_dir is not None:
        facts |= _local(data_dir)
        kubeconfig = kubeconfig or facts["kubeconfig"]
    facts["server"] = {"url": "", "version": "", "healthy": False, "problem": ""}
    if data_dir is not None and not Path(str(kubeconfig)).exists():
        facts["server"]["problem"] = f"nothing was ever started in {data_dir}"
        return facts
    try:
        asyncio.run(_ask(facts, kubeconfig, context))
    except (ClientFailure, StatusError) as error:
        facts["server"]["problem"] = str(error)
    return facts


def _local(data_dir: Path) -> dict[str, Any]:
    """What the parts wrote about themselves."""
    up = _read(run_dir(data_dir) / "up.json")
    server = _read(run_dir(data_dir) / "apiserver.json")
    parts = [
        {**part, "running": Path(f"/proc/{part['pid']}").exists()} for part in up.get("parts", [])
    ]
    facts: dict[str, Any] = {"dataDir": str(data_dir), "parts": parts}
    facts["kubeconfig"] = up.get("kubeconfig") or str(data_dir / "admin.kubeconfig")
    facts |= {name: server[name] for name in ("store", "encryption") if name in server}
    return facts


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


async def _ask(facts: dict[str, Any], kubeconfig: str | None, context: str) -> None:
    """What the server says of itself. Raises ClientFailure or StatusError."""
    config = load_config(kubeconfig, context=context)
    facts["kubeconfig"] = kubeconfig or "the one in use"
    server = facts["server"]
    server["url"] = config.server
    async with Client(config, timeout=5.0) as client:
        version = msgspec.json.decode((await client.request("GET", "/version")).body)
        server["version"] = version["gitVersion"]
        await client.request("GET", "/readyz", accept="*/*")
        server["healthy"] = True
        nodes = await client.list(NODES)
        facts["nodes"] = [
            {"name": n.metadata.name, "state": _state(n.status.conditions)} for n in nodes.items
        ]
        pods = await client.list(PODS)
        facts["pods"] = dict(Counter(pod.status.phase for pod in pods.items))


def _state(conditions: list[Any]) -> str:
    ready = next((c.status for c in conditions if c.type == "Ready"), "Unknown")
    return {"True": "Ready", "False": "NotReady"}.get(ready, "NotReady (silent)")
