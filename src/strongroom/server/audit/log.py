"""The audit log as a file, with rotation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from strongroom.api.clock import Clock


class LogSink:
    """Appends events to a file (0600): one write for all events of a turn of the event loop.

    So the log is at most a turn behind, and the busier the server the larger each write. At
    ``max_bytes`` the file is renamed with the time of the change, and the oldest such files beyond
    ``keep`` are removed. When the disk fails, ``on_error`` is told and events are lost rather than
    answers.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_error: Callable[[OSError], None],
        *,
        max_bytes: int = 100 * 1024 * 1024,
        keep: int = 10,
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_error = on_error
        self._max_bytes = max_bytes
        self._keep = keep
        self._pending: list[bytes] = []
        self._file = self._open()
        self._size = os.fstat(self._file).st_size

    def write(self, line: bytes) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(line)

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        content = b"".join(self._pending)
        self._pending.clear()
        try:
            if self._size + len(content) > self._max_bytes and self._size:
                self._rotate()
            self._append(content)
        except OSError as error:
            self._on_error(error)

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.flush()
        os.close(self._file)

    def _append(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            written = os.write(self._file, left)
            self._size += written
            left = left[written:]

    def _rotate(self) -> None:
        stamp = self._clock.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        os.close(self._file)
        self._file = self._open()
        self._size = 0
        old = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))
        for path in old[: -self._keep]:
            path.unlink(missing_ok=True)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
