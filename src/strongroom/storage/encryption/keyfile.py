"""Files that hold keys, or what opens them: the owner's alone, and never seen in part."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from strongroom.storage.encryption.port import KeyFileUnsafe

MAX_FILE = 64 * 1024
"""Bytes that are read of a file."""


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from changing files of a directory by this means."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_new(path: Path, content: bytes) -> bool:
    """Create a file that others never see in part; False when there is one already.

    Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        # A link, unlike a rename, refuses to replace a key that is there.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True


def read_private(path: Path) -> bytes:
    """The content of a small regular file that belongs to us or root, and to nobody else.

    Nor may others replace it in its directory. Raises: `KeyFileUnsafe`, OSError.
    """
    check_directory(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        # The opened file is judged, not the path: it cannot be swapped in between.
        check_private(path, os.fstat(descriptor), "key file")
        return os.read(descriptor, MAX_FILE)
    finally:
        os.close(descriptor)


def check_directory(path: Path) -> None:
    """Refuse a file in whose directory others may put another in its place.

    In one with the sticky bit (``/tmp``) they may not. Raises: `KeyFileUnsafe`, OSError.
    """
    # A link can be replaced where it is, and what it leads to there.
    for directory in {path.absolute().parent, path.resolve().parent}:
        status = directory.stat()
        if status.st_uid not in {0, os.geteuid()}:
            raise KeyFileUnsafe(
                f"the directory {directory} belongs to user {status.st_uid}, who may replace "
                f"{path.name} there: it has to belong to the server's user ({os.geteuid()})"
            )
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            raise KeyFileUnsafe(
                f"the directory {directory} has mode {stat.S_IMODE(status.st_mode):04o}: others "
                f"may replace {path.name} there; run `chmod go-w {directory}`"
            )


def check_private(path: Path, status: os.stat_result, what: str) -> None:
    """Refuse an opened file that others may read or replace. Raises: `KeyFileUnsafe`."""
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileUnsafe(f"{path} is not a regular file")
    if status.st_mode & 0o077:
        raise KeyFileUnsafe(
            f"the {what} {path} has mode {stat.S_IMODE(status.st_mode):04o}: "
            f"others may use it; run `chmod 600 {path}` and consider what it holds known to them"
        )
    if status.st_uid not in {0, os.geteuid()}:
        raise KeyFileUnsafe(
            f"the {what} {path} belongs to user {status.st_uid}: "
            f"it has to belong to the server's user ({os.geteuid()})"
        )
