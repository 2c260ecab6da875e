"""What the process gives up before it holds a secret."""

import subprocess
import sys

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
