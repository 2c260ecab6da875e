"""What the process does to itself before it holds any secret."""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_DUMPABLE = 4


def harden() -> None:
    """Files for the owner only, no core dumps, and no reading of our memory by our own user.

    A core dump would put keys and values on disk in the clear. PR_SET_DUMPABLE 0 also closes
    ``/proc/PID/mem`` and ptrace to processes of the same user; where the call is missing (it is
    Linux's) the rest still holds.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        # Not Linux: there is no such call, and nothing to take back.
        pass
