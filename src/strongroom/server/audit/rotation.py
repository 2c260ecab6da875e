"""Rotated logs: which are compressed and removed."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from strongroom.audit_files import moment_of, rotated

_SCRATCH = ".part"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a log is rotated and what is kept of it; 0 means no limit. ``max_age`` is in days."""

    max_bytes: int = 0
    keep: int = 0
    max_age: int = 0
    compress: bool = False


def tidy(
    path: Path,
    rotation: Rotation,
    now: datetime,
    *,
    removing: Callable[[Sequence[Path], Sequence[Path]], None] = lambda gone, kept: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Remove what is not kept and compress the rest.

    ``removing`` is told which rotated files will go and which stay, before any goes. ``stopped`` is
    asked now and then; what is left to be compressed then is left. Raises OSError.
    """
    files = rotated(path)
    kept = [one for one in files if not _too_old(path, one, rotation, now)]
    if rotation.keep:
        kept = kept[-rotation.keep :]
    gone = [one for one in files if one not in kept]
    if gone:
        removing(gone, kept)
    for one in gone:
        one.unlink(missing_ok=True)
    for one in kept if rotation.compress else ():
        if one.suffix != ".gz" and not stopped():
            compress(one, stopped)


def _too_old(path: Path, file: Path, rotation: Rotation, now: datetime) -> bool:
    moment = moment_of(path, file)
    if not rotation.max_age or moment is None:
        return False
    return now - moment > timedelta(days=rotation.max_age)


def compress(path: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """Replace a file by its compressed form (0600), whole or not at all. Raises OSError."""
    scratch = path.with_name(f".{path.name}{_SCRATCH}")
    try:
        with (
            path.open("rb") as source,
            os.fdopen(os.open(scratch, _NEW, 0o600), "wb") as target,
            gzip.GzipFile("", "wb", 6, target) as packed,
        ):
            while chunk := source.read(1 << 20):
                if stopped():
                    return
                packed.write(chunk)
        shutil.copystat(path, scratch)
        scratch.replace(path.with_name(f"{path.name}.gz"))
        path.unlink()
    finally:
        scratch.unlink(missing_ok=True)
