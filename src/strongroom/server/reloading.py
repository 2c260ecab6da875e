"""Files that are read again when they change, while the server runs.

For certificates, bundles, lists and configuration of every sort: whoever uses them reads them once
at the start, where a fault ends the start, and says here how they are read again. From then on a
fault leaves what was there: it is logged once, and the file is tried again until it is right or
changes once more, so that a file that is seen half-written, or a pair of which one half is new,
does no harm.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar

from strongroom.server.maintenance import keep_doing
from strongroom.telemetry import describe_exception, log

logger = logging.getLogger("strongroom.server.reloading")

LOOK_AGAIN = 1.0
"""Seconds between two looks at the files."""

_Facts = tuple[tuple[int, int, int, int] | None, ...]
_Load = Callable[[], None] | Callable[[], Awaitable[None]]


class BadFile(Exception):
    """A file cannot be used. The text names file and fault and quotes nothing of the content."""

    holds_no_payload: ClassVar = True


class Reloading:
    """Reads files again when they have changed. Make it before they are read for the first time.

    ``paths`` are the files, or what tells which they are now, since files may name others.
    ``load`` reads them and puts what they say into use, or raises and leaves everything as it was;
    it runs on the event loop, and may be a coroutine function. Whatever it raises is told by its
    type, ``BadFile`` (and whatever else says ``holds_no_payload``) by its text. ``counted`` is
    told of every change whether it could be used, for metrics.
    """

    def __init__(
        self,
        paths: Sequence[Path] | Callable[[], Sequence[Path]],
        load: _Load,
        *,
        what: str,
        every: float = LOOK_AGAIN,
        counted: Callable[[bool], None] | None = None,
    ) -> None:
        self._paths = paths if callable(paths) else lambda: paths
        self._load = load
        self._what = what
        self._every = every
        self._counted = counted
        self._failed = ""
        self._facts = self._look()

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Look at the files every so many seconds until ``stack`` ends it."""
        keep_doing(self._every, self.turn, stack)

    async def turn(self) -> None:
        """Look now. Never raises, but for a cancellation."""
        facts = self._look()
        if facts == self._facts and not self._failed:
            return
        changed = facts != self._facts
        # Noted before they are read: what is written meanwhile is seen as a change next time.
        self._facts = facts
        try:
            loading = self._load()
            if inspect.isawaitable(loading):
                await loading
        except Exception as error:  # noqa: BLE001 - no file, however wrong, may end this
            self._refuse(error, changed=changed)
            return
        # A new version may name other files: they are seen as a change, and read once more.
        self._failed = ""
        log(logger, logging.INFO, f"{self._what} were read again")
        self._tell(True)

    def _refuse(self, error: Exception, *, changed: bool) -> None:
        told = describe_exception(error)["error"]
        if told != self._failed:
            files = ",".join(str(path) for path in self._paths())
            log(logger, logging.ERROR, f"{self._what} stay as they were", error, files=files)
        if told != self._failed or changed:
            self._tell(False)
        self._failed = told

    def _tell(self, good: bool) -> None:
        if self._counted is not None:
            self._counted(good)

    def _look(self) -> _Facts:
        return tuple(facts_of(path) for path in self._paths())


def facts_of(path: Path) -> tuple[int, int, int, int] | None:
    """What tells a file from the one that was there before; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def read(path: Path) -> bytes:
    """The content of a file. Raises BadFile, which names the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from error
