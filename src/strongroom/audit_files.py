"""The files of an audit log: its rotated ones beside it, compressed or not.

Names are those of upstream's log library: ``audit.log`` becomes
``audit-2026-01-31T23-59-59.999.log`` by the time of its end (UTC), with ``.gz`` behind it when it
is compressed. The server writes them, commands read them.
"""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

_STAMP = re.compile(r"-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(?:\d{3})?)\Z")
_FORM = "%Y-%m-%dT%H-%M-%S.%f"


def rotated_name(path: Path, moment: datetime) -> Path:
    """A name that is free, for a log that ends now."""
    while True:
        stamp = moment.astimezone(UTC).strftime(_FORM)[:-3]
        name = path.with_name(f"{path.stem}-{stamp}{path.suffix}")
        if not name.exists() and not name.with_name(f"{name.name}.gz").exists():
            return name
        moment += timedelta(milliseconds=1)


def rotated(path: Path) -> list[Path]:
    """The rotated files of a log, the oldest first. Raises OSError."""
    found = [one for one in path.parent.iterdir() if moment_of(path, one) is not None]
    return sorted(found, key=lambda one: one.name.removesuffix(".gz"))


def moment_of(path: Path, file: Path) -> datetime | None:
    """When a rotated file of the log ended; None for any other file."""
    name = file.name.removesuffix(".gz")
    if not name.startswith(f"{path.stem}-") or not name.endswith(path.suffix):
        return None
    found = _STAMP.search(name.removesuffix(path.suffix))
    try:
        return datetime.strptime(found[1], _FORM).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def open_log(path: Path) -> BinaryIO:
    """A log's content, whether or not it has been compressed since. Raises OSError."""
    packed = path if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    if path != packed:
        try:
            return path.open("rb")
        except FileNotFoundError:
            if not packed.exists():
                raise
    return gzip.open(packed, "rb")  # type: ignore[return-value]  # reads as a binary file does
