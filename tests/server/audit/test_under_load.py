"""The log of a server of two workers: rotated under load, killed under load, and whole."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from strongroom.audit_files import rotated
from strongroom.cli.main import main
from tests.server.fleet import Connection, FleetServer, connections, start

LONG = "/api/v1/namespaces/default/secrets?labelSelector=" + "x" * 7000
ROTATED = ("--audit-log-maxsize", "1", "--audit-log-compress")


def verify(server: FleetServer) -> dict[str, Any]:
    """What is found by who knows nothing but where the data is; while it runs, too."""
    arguments = ["--data-dir", str(server.data), "-o", "json"]
    if server.process.poll() is not None:
        arguments += ["--key-file", str(server.directory / "keys" / "the.audit.key")]
    done = CliRunner().invoke(main, ["audit", "verify", *arguments])
    assert done.exit_code in (0, 3), done.output
    facts: dict[str, Any] = json.loads(done.output)
    return facts


async def load(connection: Connection, done: list[None], count: int = 1_000_000) -> None:
    """Requests, one after the other, until the server is gone."""
    with contextlib.suppress(aiohttp.ClientError):
        for _ in range(count):
            await connection.ask("GET", LONG)
            done.append(None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audit" / "audit.log"


async def test_no_rotation_and_no_kill_is_taken_for_tampering(tmp_path: Path, log: Path) -> None:
    server = start(tmp_path, *ROTATED)
    done: list[None] = []
    async with connections(server, 6) as made:
        loads = [asyncio.create_task(load(one, done)) for one in made]
        async with asyncio.timeout(60):
            while len(rotated(log)) < 2:  # noqa: ASYNC110 - another process's files
                await asyncio.sleep(0.01)
        assert (await asyncio.to_thread(verify, server))["findings"] == []
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*loads)
    facts = verify(server)
    assert facts["findings"] == []
    # What workers answered in the keeper's last moment was on its way to it: a few, not many.
    assert facts["events"] >= len(done) // 2
    again = start(tmp_path, *ROTATED)
    async with connections(again, 1) as (one,):
        await load(one, done, 5)
    code, told = await asyncio.to_thread(again.stop)
    assert code == 0, told
    facts = verify(again)
    assert facts["findings"] == []
    assert (facts["first"], facts["files"]) == (1, len(rotated(log)) + 1)
    assert facts["events"] == facts["last"]
