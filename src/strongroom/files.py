"""Files of data directories: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def private_directory(path: Path) -> Path:
    """Make a directory (0700) and its parents; an existing one of ours is closed to others."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = path.stat()
    if facts.st_mode & 0o077 and facts.st_uid == os.geteuid():
        path.chmod(0o700)
    return path


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file (0600) that takes the path's place when all went well; else nothing does.

    After a crash there are the old bytes or the new ones. The new name is made durable too, since
    keys that come and go with a power cut lock people out.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException as error:
        scratch.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            # Of several disks, this says which is full.
            error.filename = os.fspath(path)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file's content (0600), wholly or not at all."""
    with written_whole(path) as file:
        file.write(content)


def replace_wiping(path: Path, content: bytes) -> None:
    """As `write_private`; then the bytes that stood there are overwritten, as far as disks do that.

    Not where another name of the old file is left: that is somebody's copy. Who has opened the old
    file and reads it at that very moment may read zeros.
    """
    try:
        old = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        write_private(path, content)
        return
    try:
        write_private(path, content)
        facts = os.fstat(old)
        if not facts.st_nlink:
            os.pwrite(old, bytes(facts.st_size), 0)
            os.fsync(old)
    finally:
        os.close(old)


def write_if_changed(path: Path, content: bytes) -> None:
    """Write unless the file holds just this already, so that watchers of files are not woken."""
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_private(path, content)
