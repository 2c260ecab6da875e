"""What the process gives up before it holds a secret."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.process import swaps
from strongroom.server.ground import StartError
from strongroom.server.memory import keep_in_memory
from tests.server.conftest import running

_PROGRAM = """
import ctypes, os, resource
from strongroom.server.process import harden
harden()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
print(oct(os.umask(0)))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
print(soft == hard)
"""


def test_no_dumps_private_files_many_connections() -> None:
    program = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["(0, 0) 0", "0o77", "True"]


def test_unused_objects_are_looked_for_from_when_a_part_serves() -> None:
    code = (
        "import gc; gc.disable(); from strongroom.process import collect_from_now_on as begin;"
        "begin(); print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"]


_LOCKED = """
import ctypes, os, resource
from pathlib import Path
from strongroom.process import lock_memory

def locked():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmLck:")))

limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
if {limited} and limit == resource.RLIM_INFINITY:
    limit = 1 << 34
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
if {limited} and os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
try:
    lock_memory()
except OSError as error:
    print(error.strerror == f"the limit of locked memory is {{limit >> 10}} KiB, and has to be "
        "infinite (systemd: LimitMEMLOCK=infinity, a shell: ulimit -l unlimited)")
before = locked()
more = b"x" * (64 << 20)
print(before > 1000, locked() - before >= 64 << 10)
"""


def _locked(*, limited: bool) -> list[str]:
    program = [sys.executable, "-c", _LOCKED.format(limited=limited)]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines()


def test_all_memory_is_locked_where_no_limit_holds() -> None:
    if not may_lock():
        pytest.skip("the limit of locked memory is finite here, and holds for this user")
    assert _locked(limited=False) == ["True True"]


def test_no_memory_is_locked_up_to_a_limit() -> None:
    assert _locked(limited=True) == ["True", "False False"]


def may_lock() -> bool:
    """Whether there is no limit, or CAP_IPC_LOCK (14) in the system's own namespace of users."""
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY:
        return True
    status = Path("/proc/self/status").read_text()
    held = int(status.split("CapEff:")[1].split()[0], 16)
    whole = Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    return whole and bool(held >> 14 & 1)


SWAPS = [
    ("Filename Type Size Used Priority\n", False),
    ("Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n", False),
    ("Filename Type Size Used Priority\n/dev/zram0 partition 1 0 5\n/swap file 1 0 -2\n", True),
]


@pytest.mark.parametrize(("text", "found"), SWAPS)
def test_whether_the_machine_swaps(
    text: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "swaps").write_text(text)
    monkeypatch.setattr("strongroom.process._SWAPS", tmp_path / "swaps")
    assert swaps() == found


async def test_a_server_that_is_to_lock_its_memory_and_may_not_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr("strongroom.server.memory.lock_memory", refused)
    with pytest.raises(StartError, match="memory cannot be locked: not here"):
        await running(tmp_path, "--lock-memory", "always").__aenter__()
    monkeypatch.setattr("strongroom.server.memory.swaps", lambda: True)
    keep_in_memory("never")
    assert not caplog.text
    keep_in_memory("auto")
    assert "keys may come to the disk that this machine swaps to: not here" in caplog.text
