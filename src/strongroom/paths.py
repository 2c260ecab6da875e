"""Where strongroom keeps its things when it is not told otherwise."""

from __future__ import annotations

import os
from pathlib import Path


def default_data_dir() -> Path:
    """``/var/lib/strongroom`` for root, else ``strongroom`` below ``XDG_DATA_HOME``."""
    if os.geteuid() == 0:
        return Path("/var/lib/strongroom")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "strongroom"


def run_dir(data_dir: Path) -> Path:
    """Where running parts say what they are: small JSON files without any value."""
    return data_dir / "run"
