"""The private home of volumes."""

# Each body has a process and an event loop of its own, so blocking calls hold nothing up:
# ruff: noqa: ASYNC240

import stat
import subprocess
import sys
from pathlib import Path

from tests.node.runtimes.inside import Node, inside


@inside
async def test_the_home_is_a_private_tmpfs(node: Node) -> None:
    assert stat.S_IMODE(node.home.path.stat().st_mode) == 0o700
    line = next(
        row for row in Path("/proc/self/mounts").read_text().splitlines()
        if row.split()[1] == str(node.home.path)
    )  # fmt: skip
    assert line.split()[2] == "tmpfs"
    assert {"nosuid", "nodev"} <= set(line.split()[3].split(","))
    assert ("noswap" in line) is not node.home.swappable


@inside
async def test_volumes_come_and_go(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    assert stat.S_IMODE(volume.stat().st_mode) == 0o755
    (volume / "x").write_text("1")
    assert (node.home.volume("uid", "creds") / "x").read_text() == "1"
    node.home.volume("uid", "other")
    node.home.remove_volume("uid", "creds")
    assert not volume.exists()
    node.home.remove_volume("uid", "creds")
    node.home.remove_pod("uid")
    node.home.remove_pod("uid")
    assert list((node.home.path / "pods").iterdir()) == []


_TOO_LATE = """
import os, pathlib, threading
from strongroom.node.runtimes.home import enter_private_mounts
from strongroom.node.runtimes.port import RuntimeUnavailable

if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    enter_private_mounts(pathlib.Path("."))
except RuntimeUnavailable as error:
    print(error)
"""


def test_a_second_thread_makes_it_too_late(tmp_path: Path) -> None:
    """As root no user namespace is needed, so the program gives that up first."""
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", _TOO_LATE], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "single-threaded" in done.stdout, done.stderr
