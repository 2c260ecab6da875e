"""Where the audit log of a data directory is, and its lines, the oldest file first."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import click

from strongroom.audit_chain import chain_key_file
from strongroom.audit_files import moment_of, open_log, rotated
from strongroom.cli.people import Failure
from strongroom.cli.status import subject
from strongroom.paths import INSTALLATION_ID, default_data_dir, default_key_file, run_dir

LONGEST = 16 * 1024 * 1024
"""Bytes of a line that are read at once; no event is so long."""

_LOOK = 0.2
"""Seconds between looks whether the log has grown."""

log_option = click.option(
    "--log",
    metavar="PATH",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The log. [default: the data directory's]",
)
data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=f"The data directory. [default: KUBECONFIG's, if it is in one, else {default_data_dir()}]",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its newline, unless the file ends before it. ``number`` counts from 1."""

    file: Path
    number: int
    content: bytes

    @property
    def place(self) -> str:
        return f"{self.file.name} line {self.number}"


def directory_of(data_dir: Path | None) -> Path:
    """The data directory that is meant. Raises Failure."""
    found, _ = subject(data_dir, None, os.environ.get("KUBECONFIG", ""))
    if found is None:
        raise Failure(
            "KUBECONFIG is in no data directory of strongroom\n"
            "Say where the log is: --data-dir DIR, or --log PATH."
        )
    return found


def find_log(
    log: Path | None, data_dir: Path | None, advice: str = "--log PATH, or --data-dir DIR"
) -> Path:
    """The log that is meant, with at least one file. Raises Failure, with options to name it."""
    path = log
    if path is None:
        directory = directory_of(data_dir)
        told = _running(directory).get("audit", {}).get("log")
        path = Path(told or directory / "audit" / "audit.log")
    path = path.expanduser().absolute()
    if not path.exists() and not (path.parent.is_dir() and rotated(path)):
        raise Failure(f"{path}: there is no audit log\nName it: {advice}.")
    return path


def find_key(key_file: Path | None, data_dir: Path | None) -> Path:
    """The file with the key of the chain. Raises Failure."""
    if key_file is not None:
        return key_file
    directory = directory_of(data_dir)
    try:
        own = chain_key_file(default_key_file((directory / INSTALLATION_ID).read_text().strip()))
        if own.exists():
            return own
    except FileNotFoundError:
        pass
    # A running server with a key elsewhere says where: the report names the file, for who doubts.
    told = _running(directory).get("audit", {}).get("keyFile")
    if told and Path(told).exists():
        return Path(told)
    raise Failure(
        f"the key of the chain of {directory} is not found\n"
        "It lies beside the encryption key, named NAME.audit.key: say where, by --key-file."
    )


def _running(directory: Path) -> dict[str, Any]:
    """What the running server says of itself."""
    try:
        facts = json.loads((run_dir(directory) / "apiserver.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def lines_of(
    active: Active, damaged: Callable[[Path], None], since: datetime | None = None
) -> Iterator[Line]:
    """All lines of the log. Files that ended before ``since`` are left out.

    The log may be rotated, compressed and tidied meanwhile. Raises OSError.
    """
    for file in rotated(active.path):
        ended = moment_of(active.path, file)
        if since is not None and ended is not None and ended < since:
            continue
        with contextlib.suppress(FileNotFoundError), open_log(file) as content:
            if not active.is_that(content):
                yield from _numbered(file, content, damaged)
    yield from active.new_lines()


class Active:
    """The file that is being written, held open: a rotation only renames it. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._number = 0

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def there(self) -> bool:
        """Whether there is such a file."""
        return self._file is not None

    def is_that(self, content: BinaryIO) -> bool:
        """Whether an opened file is this one."""
        return self._file is not None and _same(self._file, content)

    def new_lines(self) -> Iterator[Line]:
        """The lines that were not yet read; of an unfinished one, what there is."""
        if self._file is not None:
            for line in _numbered(self.path, self._file, lambda _: None):
                self._number = line.number
                yield line

    def follow(self, pause: Callable[[float], None] = time.sleep) -> Iterator[Line | None]:
        """New whole lines as they come, for ever, over rotations. None: there is none just now."""
        while True:
            yield from self._whole()
            if self._replaced():
                # Nobody writes to a renamed file: what is in it now is all.
                yield from self._whole()
                self._open()
                continue
            yield None
            pause(_LOOK)

    def _whole(self) -> Iterator[Line]:
        file = self._file
        if file is None:
            return
        while True:
            at = file.tell()
            content = file.readline(LONGEST)
            if not content.endswith(b"\n"):
                file.seek(at)
                return
            self._number += 1
            yield Line(self.path, self._number, content)

    def _replaced(self) -> bool:
        try:
            with self.path.open("rb") as now:
                return self._file is None or not _same(self._file, now)
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        if self._file is not None:
            self._file.close()
        self._number = 0
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            self._file = None


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.path.sameopenfile(one.fileno(), other.fileno())


def _numbered(file: Path, content: BinaryIO, damaged: Callable[[Path], None]) -> Iterator[Line]:
    number = 0
    try:
        while line := content.readline(LONGEST):
            number += 1
            yield Line(file, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        damaged(file)
