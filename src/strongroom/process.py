"""What every part that holds Secrets does to its own process."""

from __future__ import annotations

import ctypes
import resource

PR_SET_DUMPABLE = 4


def forbid_dumps() -> None:
    """No core dumps, and no reading of our memory by our own user.

    A core dump would put keys and values on disk in the clear; PR_SET_DUMPABLE 0 forbids it even
    where the kernel pipes dumps to a program, which ignores the limit of their size. It also closes
    ``/proc/PID/mem`` and ptrace to processes of the same user. Where the call is missing (it is
    Linux's) the rest still holds. Not inherited by programs that are started.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        # Not Linux: there is no such call, and nothing to take back.
        pass
