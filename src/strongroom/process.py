"""What the parts do to their own processes: no dumps, no more memory or time than they need."""

from __future__ import annotations

import asyncio.sslproto
import ctypes
import gc
import resource

PR_SET_DUMPABLE = 4
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
