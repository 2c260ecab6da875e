"""The audit log on disk: whole lines or none, rotated, chained.

Writes are one call for all lines of a batch. What the disk takes only in part is taken back, so
that a full disk costs events and never leaves half of one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from strongroom.api.clock import Clock
from strongroom.audit_files import rotated_name
from strongroom.server.audit.chained import Chained
from strongroom.server.audit.rotation import Rotation, tidy
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

STDOUT = Path("-")

_LOOK = 1.0
"""Seconds between looks whether the file is still where it was."""
_LATER = 60.0
"""Seconds until a rotation that failed is tried again."""
_END_WITHIN = 5.0


class LogFile:
    """Appends lines to a file (0600), or to standard output. One thread writes."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        rotation: Rotation = Rotation(),  # noqa: B008 - frozen
        chained: Chained | None = None,
    ) -> None:
        """Raises OSError."""
        self._path = path
        self._clock = clock
        self._rotation = rotation
        self._chained = chained
        self._torn = False
        self._rotate_from = 0.0
        self._file = self._open()
        self._looked = clock.monotonic()
        self._tidier: threading.Thread | None = None
        self._untidy, self._closing = False, False
        self._lock = threading.Lock()
        if self._regular:
            self._drop_fragment()
            self._tidy_soon()

    def append(self, lines: Sequence[bytes], lost: int = 0) -> None:
        """Write all of the lines. Raises OSError; then none of them is in the log.

        ``lost`` is how many events before them could not be written.
        """
        chained = self._chained
        self._look()
        if chained is not None:
            lines = chained.link(lines, lost)
        content = b"".join(lines)
        try:
            if self._torn:
                self._mend()
            if self._is_full(len(content)):
                self._rotate()
            self._write(content)
        except OSError:
            if chained is not None:
                chained.failed()
            raise
        if chained is not None:
            # A head that is behind tells less of a later cut; the events are in the log.
            with contextlib.suppress(OSError):
                chained.written()

    def close(self) -> None:
        """Close the file. Old files that are being compressed are left as they are."""
        self._closing = True
        tidier = self._tidier
        if tidier is not None:
            tidier.join(_END_WITHIN)
        os.close(self._file)

    def _open(self, more: int = 0) -> int:
        if self._path == STDOUT:
            file = os.dup(1)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            file = os.open(self._path, flags | more, 0o600)
        facts = os.fstat(file)
        self._regular = stat.S_ISREG(facts.st_mode) and self._path != STDOUT
        self._size = facts.st_size if self._regular else 0
        return file

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            if len(left) < len(content):
                self._torn = True
                with contextlib.suppress(OSError):
                    self._mend()
            raise
        self._size += len(content)

    def _mend(self) -> None:
        """Take back what is there of a line. Raises OSError."""
        if self._regular:
            os.ftruncate(self._file, self._size)
        else:
            os.write(self._file, b"\n")
        self._torn = False

    def _drop_fragment(self) -> None:
        """Take back what a killed server wrote of its last line. Raises OSError."""
        with self._path.open("rb") as file:
            end = self._size
            while end:
                start = max(0, end - 64 * 1024)
                file.seek(start)
                newline = file.read(end - start).rfind(b"\n")
                if newline >= 0:
                    end = start + newline + 1
                    break
                end = start
        if end < self._size:
            os.ftruncate(self._file, end)
            self._size = end

    def _look(self) -> None:
        """Begin a new file when somebody has taken this one away."""
        now = self._clock.monotonic()
        if not self._regular or now - self._looked < _LOOK:
            return
        self._looked = now
        with contextlib.suppress(OSError):
            there, ours = self._path.stat(), os.fstat(self._file)
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                self._size = ours.st_size
                return
        log(logger, logging.WARNING, "the audit log was taken away: another one begins")
        with self._postponed():
            self._reopen()

    @contextlib.contextmanager
    def _postponed(self) -> Iterator[None]:
        """What fails is tried again later.

        A log that is too large, or that has the name of an old one, is better than lost events.
        """
        try:
            yield
        except OSError as error:
            self._rotate_from = self._clock.monotonic() + _LATER
            log(logger, logging.ERROR, "another audit log cannot be begun", error)

    def _reopen(self) -> None:
        # A new file: nobody may have put a link there, to have events written elsewhere.
        old, self._file = self._file, self._open(os.O_NOFOLLOW)
        os.close(old)

    def _is_full(self, more: int) -> bool:
        most = self._rotation.max_bytes
        if not self._regular or not 0 < most < self._size + more or not self._size:
            return False
        return self._clock.monotonic() >= self._rotate_from

    def _rotate(self) -> None:
        with self._postponed():
            with contextlib.suppress(FileNotFoundError):
                self._path.rename(rotated_name(self._path, self._clock.now()))
            self._reopen()
        self._tidy_soon()

    def _tidy_soon(self) -> None:
        """Compress and remove old files, on a thread: it takes seconds."""
        with self._lock:
            self._untidy = True
            if self._tidier is None:
                self._tidier = threading.Thread(target=self._tidy, name="audit-tidy", daemon=True)
                self._tidier.start()

    def _tidy(self) -> None:
        while True:
            with self._lock:
                if not self._untidy:
                    self._tidier = None
                    return
                self._untidy = False
            try:
                tidy(
                    self._path,
                    self._rotation,
                    self._clock.now(),
                    removing=self._removing,
                    stopped=lambda: self._closing,
                )
            except OSError as error:
                log(logger, logging.ERROR, "old audit logs could not be tidied", error)

    def _removing(self, gone: Sequence[Path], kept: Sequence[Path]) -> None:
        if self._chained is not None:
            self._chained.removing(gone, kept, self._rotation, self._clock.now())
