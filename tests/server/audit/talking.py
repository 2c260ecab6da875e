"""Servers that audit by a policy, and what they wrote."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.server.conftest import Running, running

Tree = dict[str, Any]

EVERYTHING: Tree = {"level": "RequestResponse"}


def policy(*rules: Tree, **fields: Any) -> Tree:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules, **fields}


def of_namespace(level: str) -> Tree:
    """A rule for the namespace that is called like the level, in small letters."""
    return {"level": level, "namespaces": [level.lower()]}


@contextlib.asynccontextmanager
async def talking(directory: Path, said: Tree, *arguments: str) -> AsyncIterator[Running]:
    """A server with this policy."""
    file = _write(directory, said)
    async with running(directory, "--audit-policy-file", str(file), *arguments) as api:
        yield api


def _write(directory: Path, said: Tree) -> Path:
    directory.mkdir(exist_ok=True)
    file = directory / "policy.json"
    file.write_text(json.dumps(said))
    return file


def events(api: Running, uri: str = "", verb: str = "") -> list[Tree]:
    """The events so far, of URIs that begin so, and of a verb."""
    return [
        event
        for event in api.audit_events()
        if event["requestURI"].startswith(uri) and verb in ("", event["verb"])
    ]


def last(api: Running) -> Tree:
    """The event of the newest request that has been answered."""
    return next(e for e in reversed(api.audit_events()) if e["stage"] == "ResponseComplete")
