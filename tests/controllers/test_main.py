"""`strongroom controllers` as a process: what it runs, refuses, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from strongroom.controllers.main import NAMES, main
from strongroom.resources.namespace import NAMESPACES
from tests.controllers.conftest import World
from tests.waiting import gone


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("scheduler,garbage,another", "unknown controllers: another, garbage; known: "),
        ("", "no controllers to run; known: "),
    ],
)
def test_names_of_controllers_must_be_known(named: str, said: str) -> None:
    result = CliRunner().invoke(main, ["--controllers", named])
    assert result.exit_code == 2
    assert said + ", ".join(NAMES) in result.stderr


def test_a_kubeconfig_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--kubeconfig", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


@asynccontextmanager
async def process(kubeconfig: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m strongroom.controllers`, killed at the end if it still runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "strongroom.controllers",
        "--kubeconfig",
        str(kubeconfig),
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await asyncio.wait_for(stream.readline(), 60)).decode()


async def ended(started: asyncio.subprocess.Process, signum: int) -> int:
    started.send_signal(signum)
    return await asyncio.wait_for(started.wait(), 60)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_ready_works_and_stops_when_told(
    world: World, tmp_path: Path, signum: int
) -> None:
    kubeconfig = tmp_path / "data" / "pki" / "controller-manager.kubeconfig"
    async with process(kubeconfig) as started:
        assert await line(started.stdout) == "ready controllers\n"
        await world.node("n1")
        await world.pod("p")
        await world.until_pod("p", lambda pod: pod.spec.nodeName == "n1")
        assert [reason for _, reason, _ in await world.told("p")] == ["Scheduled"]
        await world.namespace("doomed")
        await world.client.delete(NAMESPACES, "doomed")
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))
        assert await ended(started, signum) == 0


async def test_only_those_named_run_and_each_once(world: World, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "data" / "admin.kubeconfig"
    async with process(kubeconfig, "--controllers", "namespace,namespace") as started:
        assert await line(started.stdout) == "ready controllers\n"
        await world.node("n1")
        await world.pod("p")
        await world.namespace("doomed")
        await world.client.delete(NAMESPACES, "doomed")
        await gone(lambda: world.client.get(NAMESPACES, "doomed"))
        pod = await world.until_pod("p", bool)
        assert pod.spec.nodeName == ""
        assert await ended(started, signal.SIGTERM) == 0


async def test_it_can_be_stopped_while_it_waits_for_a_server(world: World, tmp_path: Path) -> None:
    there = (tmp_path / "data" / "admin.kubeconfig").read_text()
    port = world.client.config.server.rsplit(":", 1)[1]
    nowhere = tmp_path / "nowhere.kubeconfig"
    nowhere.write_text(there.replace(f":{port}", ":1"))
    async with process(nowhere) as started:
        assert "connection refused" in await line(started.stderr)
        assert await ended(started, signal.SIGTERM) == 0


async def test_a_watch_costs_no_large_buffer() -> None:
    """Asyncio's own would be a quarter of a megabyte for each kind that is followed."""
    code = (
        "from strongroom.process import small_tls_buffers; import asyncio.sslproto as s;"
        "small_tls_buffers(); print(s.SSLProtocol.max_size)"
    )
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=subprocess.PIPE
    )
    out, _ = await started.communicate()
    assert int(out) <= 64 * 1024
