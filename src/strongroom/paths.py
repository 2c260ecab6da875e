"""Where strongroom keeps its things when it is not told otherwise."""

from __future__ import annotations

import os
from pathlib import Path

INSTALLATION_ID = "installation-id"
"""File of a data directory with the name of the installation."""


def default_data_dir() -> Path:
    """``/var/lib/strongroom`` for root, else ``strongroom`` below ``XDG_DATA_HOME``."""
    if os.geteuid() == 0:
        return Path("/var/lib/strongroom")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "strongroom"


class DataDirUnsafe(OSError):
    """A directory that others can enter and that strongroom did not make."""


def claim_data_dir(path: Path) -> None:
    """Make a data directory (0700), or take one that is empty, strongroom's own, or closed.

    Anything else is refused, not closed: ``--data-dir /tmp`` must not lock everybody out of it.
    Raises DataDirUnsafe, and OSError for what the file system refuses.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = path.stat()
    if not facts.st_mode & 0o077:
        return
    ours = (path / INSTALLATION_ID).exists() or not any(path.iterdir())
    if facts.st_uid != os.geteuid() or not ours:
        raise DataDirUnsafe(
            f"{path} is open to other users and holds other things; name an empty directory, "
            "or close it with chmod 700"
        )
    path.chmod(0o700)


def is_data_dir(path: Path) -> bool:
    """Whether strongroom was ever started in this directory, as far as this user may look."""
    try:
        # A start with a key file of its own needs no id; certificates every start makes.
        return any((path / name).exists() for name in (INSTALLATION_ID, "pki/ca.crt"))
    except PermissionError:
        return False


def run_dir(data_dir: Path) -> Path:
    """Where running parts say what they are: small JSON files without any value."""
    return data_dir / "run"


def default_key_file(installation: str) -> Path:
    """Where the key of an installation is kept when nobody says otherwise."""
    if os.geteuid() == 0 and "XDG_CONFIG_HOME" not in os.environ:
        base = Path("/etc/strongroom")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "strongroom"
    return base / "keys" / f"{installation}.key"
