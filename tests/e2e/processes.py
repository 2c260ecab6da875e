"""Looking at processes: those of one `strongroom up`, and whether any outlived it."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.testing.process import Strongroom
from tests.waiting import eventually


@dataclass(frozen=True)
class Running:
    """A process, with its whole command line."""

    pid: int
    command: bytes


def processes_of(directory: Path) -> list[Running]:
    """Processes that name a directory in their command line, and all their descendants."""
    found, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            try:
                stat, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it ended while we looked
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state != "Z":
                found[pid], parents[pid] = command, int(parent)
    name = str(directory).encode()
    ours = {pid for pid, command in found.items() if name in command} - {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return [Running(pid, found[pid]) for pid in sorted(ours)]


def none_left(directory: Path) -> bool:
    """Whether no process of this directory runs any more."""
    return not processes_of(directory)


def state(room: Strongroom) -> dict[str, Any]:
    """What `strongroom up` tells of itself in its data directory."""
    path = room.kubeconfig.parent / "run" / "up.json"
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def part(room: Strongroom, name: str) -> dict[str, Any]:
    """What `strongroom up` tells of one of its parts."""
    found: dict[str, Any] = next(p for p in state(room)["parts"] if p["name"] == name)
    return found


def kill_part(room: Strongroom, name: str) -> None:
    """SIGKILL a part, and wait until `up` has started it again."""
    before = part(room, name)
    os.kill(before["pid"], signal.SIGKILL)

    def again() -> bool:
        now = part(room, name)
        return bool(now["restarts"] > before["restarts"] and now["pid"] != before["pid"])

    eventually(again)
