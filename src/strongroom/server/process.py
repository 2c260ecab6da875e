"""What the API server does to its own process before it holds any secret."""

from __future__ import annotations

import os
import resource

from strongroom.process import forbid_dumps


def harden() -> None:
    """Files for the owner only, no dumps of memory, and as many connections as the system gives."""
    os.umask(0o077)
    forbid_dumps()
    allow_connections()


def allow_connections() -> None:
    """Raise the limit of open files as far as may be: each client and each watch takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
