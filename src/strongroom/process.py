"""What the parts do to their own processes: no dumps, no more memory or time than they need."""

from __future__ import annotations

import asyncio.sslproto
import contextlib
import ctypes
import errno
import gc
import mmap
import os
import resource
from pathlib import Path

PR_SET_DUMPABLE = 4
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
_SWAPS = Path("/proc/swaps")
_TLS_READ = 32 * 1024


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


def swaps() -> bool:
    """Whether this machine may write memory to a disk now: zram does not."""
    try:
        devices = [line.split()[0] for line in _SWAPS.read_text().splitlines()[1:] if line.strip()]
    except OSError:
        return False  # Not Linux: there is nothing to lock with either.
    return any(not device.startswith("/dev/zram") for device in devices)


def lock_memory() -> None:
    """Keep all memory of this process, what it has and what it will get, out of swap.

    Single keys cannot be: Python and OpenSSL copy them where they like. Pages are locked when they
    are first used, so that nothing takes more memory than before.

    Raises OSError, and nothing is locked, where the limit of locked memory (RLIMIT_MEMLOCK) holds
    for this process: memory would be locked up to there, and then none be had any more.
    """
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)
    except (OSError, AttributeError):
        raise OSError(errno.ENOSYS, "this system has no mlockall") from None
    if limit == resource.RLIM_INFINITY:
        if failed:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    elif failed or _none_beyond(limit):
        libc.munlockall()
        raise OSError(
            errno.EPERM,
            f"the limit of locked memory is {limit // 1024} KiB, and has to be infinite (systemd: "
            "LimitMEMLOCK=infinity, a shell: ulimit -l unlimited)",
        )


def _none_beyond(limit: int) -> bool:
    """Whether memory beyond the limit is refused: it is not to whoever has CAP_IPC_LOCK."""
    try:
        mmap.mmap(-1, limit + mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    return False


def small_tls_buffers() -> None:
    """Let each TLS connection of asyncio read into 32 KiB instead of 256 KiB.

    Every watch has a connection, which is idle nearly always, and the buffer is there all the same.
    A TLS record holds 16 KiB at most, so that larger reads gain little. Call it before connecting.
    """
    asyncio.sslproto.SSLProtocol.max_size = _TLS_READ


def collect_from_now_on() -> None:
    """Begin to look for unused objects that refer to each other; call it when a part serves.

    A part looks for none while it starts, when nearly all that is made stays: 50 to 100 ms. What is
    there by now (modules, schemas, caches) is not looked through later either, which would stop
    every request for as long.
    """
    gc.freeze()
    gc.enable()
