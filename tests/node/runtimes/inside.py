"""Runs a test's body inside a node's private mounts, in a process of its own.

Entering a mount namespace can't be undone, so a test marked `@inside` becomes a plain test that
starts `python -m tests.node.runtimes.inside MODULE NAME DIR`. There the body gets a `Node`, and
what it raises comes back as the test's failure. Where the kernel refuses namespaces, the test is
skipped with the kernel's reason; under CI it fails, since a skipped test shows nothing.
"""

import asyncio
import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from strongroom.node.runtimes.home import VolumeHome, enter_private_mounts
from strongroom.node.runtimes.port import (
    ContainerHandle,
    ContainerSpec,
    Exit,
    LogOptions,
    RuntimeUnavailable,
)
from strongroom.node.runtimes.process import ProcessRuntime

_REFUSED = 77
_ROOT = Path(__file__).resolve().parents[3]


def spec_of(*argv: str, **fields: Any) -> ContainerSpec:
    """A container spec with only the interesting fields given."""
    identity = {"pod_uid": "uid", "namespace": "ns", "pod": "web", "name": "main", "attempt": 0}
    return ContainerSpec(**{**identity, "argv": argv, "env": {}, **fields})


@dataclass(frozen=True)
class Node:
    """What a test's body works with: the data directory, its volumes, the runtime."""

    directory: Path
    home: VolumeHome
    runtime: ProcessRuntime

    async def start(self, *argv: str, **fields: Any) -> ContainerHandle:
        """Start a container of these fields."""
        return await self.runtime.start_container(spec_of(*argv, **fields))

    async def output(self, handle: ContainerHandle, **options: Any) -> str:
        """A container's log."""
        chunks = self.runtime.logs(handle.id, LogOptions(**options))
        return b"".join([chunk async for chunk in chunks]).decode()

    async def run(self, script: str, **fields: Any) -> tuple[Exit, str]:
        """Run a shell script to its end: how it ended and what it printed."""
        handle = await self.start("sh", "-c", script, **fields)
        ended = await self.runtime.wait(handle.id)
        return ended, await self.output(handle)


def inside(body: Callable[[Node], Awaitable[None]]) -> Callable[[Path], None]:
    """Make a test of a body that runs inside a node's private mounts."""

    def test(tmp_path: Path) -> None:
        # The files of this test are read by other users in some containers.
        tmp_path.chmod(0o755)
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "error",
                "-m",
                __name__,
                body.__module__,
                body.__name__,
                str(tmp_path),
            ],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        if done.returncode == _REFUSED and not os.environ.get("CI"):
            pytest.skip(done.stderr.strip())
        if done.returncode != 0:
            pytest.fail(done.stdout + done.stderr, pytrace=False)

    # Not functools.wraps: pytest would then look for the body's own parameters.
    test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
    test.body = body  # type: ignore[attr-defined] # how the process below finds it again
    return test


async def _run(body: Callable[[Node], Awaitable[None]], directory: Path, home: VolumeHome) -> None:
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    runtime = ProcessRuntime(home, hidden_paths=[directory])
    await runtime.start()
    try:
        await body(Node(directory, home, runtime))
    finally:
        await runtime.close()
    # What failed where nobody looked fails the test too.
    gc.collect()
    assert unheard == []


def main(module: str, name: str, directory: str) -> None:
    """Enter the private mounts before anything else, then run the body."""
    data = Path(directory, "data")
    try:
        home = enter_private_mounts(data)
        body = getattr(importlib.import_module(module), name).body
        asyncio.run(_run(body, data, home))
    except RuntimeUnavailable as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_REFUSED)


if __name__ == "__main__":
    main(*sys.argv[1:])
