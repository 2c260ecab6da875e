"""What the API server does to its own process before it holds any secret."""

from __future__ import annotations

import ctypes
import os
import resource

from strongroom.process import forbid_dumps

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


def harden() -> None:
    """Files for the owner only, no dumps of memory, and as many connections as the system gives."""
    os.umask(0o077)
    forbid_dumps()
    allow_connections()
    give_back_memory()


def give_back_memory() -> None:
    """Let what slow readers made us hold go back to the system when they are gone.

    glibc raises its own threshold for memory that it maps and unmaps with each large block freed,
    so that after a flood of large answers it keeps them all; a fixed one does not move. Without
    glibc there is nothing to set.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 64 * 1024)
        libc.mallopt(M_TRIM_THRESHOLD, 128 * 1024)
    except (OSError, AttributeError):
        pass  # Another C library, with other habits.


def allow_connections() -> None:
    """Raise the limit of open files as far as may be: each client and each watch takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
