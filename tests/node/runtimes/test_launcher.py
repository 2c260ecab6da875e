"""The launcher's start-up cost and hygiene."""

# Each body has a process and an event loop of its own, so blocking calls hold nothing up:
# ruff: noqa: ASYNC240

import subprocess
import sys
from pathlib import Path

from tests.node.runtimes.inside import Node, inside

_SOURCE = Path(__file__).resolve().parents[3] / "src"


def test_it_imports_nothing_heavy() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(_SOURCE)!r}); "
        "import strongroom.node.runtimes.launcher; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    heavy = {
        "asyncio",
        "dataclasses",
        "inspect",
        "logging",
        "pathlib",
        "socket",
        "subprocess",
        "typing",
    }
    assert modules & (heavy | {"msgspec", "uvloop", "click", "cryptography", "yaml"}) == set()
    own = {name for name in modules if name.startswith("strongroom.node.")}
    assert own == {
        f"strongroom.node.{name}"
        for name in (
            "runtimes",
            *(f"runtimes.{part}" for part in ("launcher", "rootfs", "credentials", "linux")),
        )
    }


@inside
async def test_no_value_is_in_its_arguments_or_environment(node: Node) -> None:
    handle = await node.start("sleep", "1000", env={"PASSWORD": "hunter2"})
    children = Path("/proc/self/task").glob("*/children")
    launchers = [pid for path in children for pid in path.read_text().split()]
    assert len(launchers) == 1
    for name in ("cmdline", "environ"):
        assert b"hunter2" not in Path("/proc", launchers[0], name).read_bytes()
    assert node.runtime.status(handle.id).running
