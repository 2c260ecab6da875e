"""The canary when a process dies, and when all end."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.canary import (
    files_that_hold_it,
    holds,
    secret,
)
from tests.e2e.conftest import in_namespace, start_up
from tests.e2e.processes import part
from tests.e2e.wire import Wire
from tests.waiting import eventually


@pytest.mark.parametrize("signum", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_leaves_nothing(
    aviary: Strongroom, directory: Path, wire: Wire, home: str, signum: signal.Signals
) -> None:
    name = signum.name.lower()
    assert wire.send("POST", home, secret(name)).status == 201
    before = part(aviary, "apiserver")
    os.kill(before["pid"], signum)
    # A core dump would hold the key and every value that was in memory.
    assert files_that_hold_it(directory) == []
    eventually(lambda: part(aviary, "apiserver")["restarts"] > before["restarts"])

    def back() -> bool:
        try:
            return holds(wire.send("GET", f"{home}/{name}").body)
        except OSError:
            return False

    eventually(back)


def test_nothing_was_said_at_the_end(directory: Path, tmp_path: Path) -> None:
    with start_up(tmp_path, "--log-format", "json", "--log-level", "debug") as room:
        kubectl = in_namespace(room, tmp_path)
        kubectl.apply(json.dumps(secret("s")))
        assert room.process.stdout is not None
        room.process.send_signal(signal.SIGTERM)
        with room.process.stdout as stdout:
            assert not holds(stdout.read().encode())
        assert room.process.wait(timeout=60) == 0
    assert files_that_hold_it(tmp_path) == []
