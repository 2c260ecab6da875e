"""What the start of a server does not wait for: libraries that few servers ever need."""

from __future__ import annotations

import subprocess
import sys

LATER = ("aiohttp", "antlr4", "jwt", "strongroom.api.cel", "wsproto", "yaml")


def test_what_few_need_is_not_loaded_at_start() -> None:
    code = "import sys, strongroom.server.main; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(LATER) & set(run.stdout.split())
