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
from strongroom.paths import is_data_dir, run_dir
from strongroom.resources.node import NODES
from strongroom.resources.pod import PODS


def inspect(data_dir: Path | None, kubeconfig: str | None, context: str = "") -> dict[str, Any]:
    """All facts as plain values. A server that does not answer is a fact, not an error."""
    facts: dict[str, Any] = {"dataDir": str(data_dir)} if data_dir else {}
    server = {"url": "", "version": "", "healthy": False, "problem": ""}
    facts["server"] = server
    try:
        if data_dir is not None:
            facts |= _local(data_dir)
            kubeconfig = kubeconfig or facts["kubeconfig"]
            server["problem"] = _idle(data_dir, facts)
        if not server["problem"]:
            asyncio.run(_ask(facts, kubeconfig, context))
    except (ClientFailure, StatusError) as error:
        server["problem"] = str(error)
    except OSError as error:
        server["problem"] = f"cannot read {error.filename}: {error.strerror}"
    return facts


def _idle(data_dir: Path, facts: dict[str, Any]) -> str:
    """Why no server can answer for this data directory; empty when one may."""
    if facts["running"]:
        return ""
    return "stopped" if is_data_dir(data_dir) else f"nothing was ever started in {data_dir}"


def _local(data_dir: Path) -> dict[str, Any]:
    """What the parts wrote about themselves. Raises OSError when that may not be read.

    A killed process leaves its file: what counts is whether the process runs.
    """
    up = _read(run_dir(data_dir) / "up.json")
    server = _read(run_dir(data_dir) / "apiserver.json")
    facts: dict[str, Any] = {"running": any(_runs(file["pid"]) for file in (up, server) if file)}
    if up and _runs(up["pid"]):
        facts["up"] = {"pid": up["pid"], "started": up["started"]}
    facts["parts"] = [{**part, "running": _runs(part["pid"])} for part in up.get("parts", [])]
    facts["kubeconfig"] = up.get("kubeconfig") or str(data_dir / "admin.kubeconfig")
    if "workers" in server:
        facts["workers"] = [{**one, "running": _runs(one["pid"])} for one in server["workers"]]
        facts["workerRestarts"] = server.get("workerRestarts", 0)
    return facts | {name: server[name] for name in ("store", "encryption") if name in server}


def _runs(pid: int) -> bool:
    """Whether this process is one of ours: a number alone may have gone to another since."""
    try:
        return b"strongroom" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


async def _ask(facts: dict[str, Any], kubeconfig: str | None, context: str) -> None:
    """What the server says of itself. Raises ClientFailure or StatusError."""
    config = load_config(kubeconfig, context=context)
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
