"""A snapshot file while it is read: opened, held against its checksum, and not changed by anybody.

``etcdctl snapshot save`` writes the database and its SHA-256 behind it, as etcd does; a member's
``member/snap/db`` is the database alone. An etcd that has it open holds a lock on it: its pages
change under whoever reads them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path

from strongroom.snapshot.errors import BadSnapshot, InUse

_SUM = 32
_UNIT = 512
"""Databases are whole units of this; what is more by a SHA-256 has one."""
_STEP = 1 << 20


@contextlib.contextmanager
def opened(path: Path) -> Iterator[memoryview]:
    """The bytes of the database in a file, as long as the context lasts.

    Raises BadSnapshot, InUse, OSError.
    """
    with path.open("rb") as file:
        try:
            # The lock of etcd is one of flock as well; ours is given back with the file.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                "an etcd has it open: take a snapshot with `etcdctl snapshot save`, or name the "
                "etcd itself"
            ) from None
        try:
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except ValueError:
            raise BadSnapshot("it is empty") from None
        with mapped, memoryview(mapped) as whole, _checked(whole) as data:
            yield data


def _checked(whole: memoryview) -> memoryview:
    """The database without the checksum behind it, which must be right. Raises BadSnapshot."""
    beyond = len(whole) % _UNIT
    if not beyond:
        return whole[:]
    if beyond != _SUM:
        raise BadSnapshot("it is no snapshot of etcd, or cut short")
    data = whole[:-_SUM]
    told = hashlib.sha256()
    for at in range(0, len(data), _STEP):
        told.update(data[at : at + _STEP])
    if told.digest() != whole[-_SUM:]:
        data.release()
        raise BadSnapshot("its checksum is wrong: it is damaged, or cut short")
    return data
