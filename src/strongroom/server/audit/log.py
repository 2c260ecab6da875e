"""Audit events on their way to the log, written at the end of each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from strongroom.server.audit.logfile import LogFile
from strongroom.server.audit.losses import Losses

_HELD = 10_000
"""Events that an insistent log holds while the disk does not take them."""


class LogSink:
    """One write for all events of a turn of the event loop.

    So the log is at most a turn behind, and the busier the server the larger each write. When the
    disk fails, events are lost rather than answers; an ``insistent`` one keeps them instead, tries
    again whenever it is asked to settle, and loses only what is beyond what it can hold.
    """

    def __init__(self, file: LogFile, losses: Losses, *, insistent: bool = False) -> None:
        self._log = file
        self._losses = losses
        self._insistent = insistent
        self._pending: list[bytes] = []
        self._lost = 0
        self._due = False

    def write(self, line: bytes) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append(line)

    async def settle(self) -> bool:
        """Write what is pending; tells whether nothing is left."""
        self.flush()
        return not self._pending

    def flush(self) -> None:
        """Write what is pending."""
        self._due = False
        if not self._pending:
            return
        try:
            self.append(self._pending)
        except OSError as error:
            self._keep_some(error)
        else:
            self._pending.clear()

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines at once. Raises OSError; what is lost by it is counted."""
        try:
            self._log.append(lines, self._lost)
        except OSError as error:
            if not self._insistent:
                self._lost += len(lines)
                self._losses.lost(len(lines), error)
            raise
        self._lost = 0
        self._losses.works()

    def close(self) -> None:
        """Write what is pending and close the file."""
        self.flush()
        self._log.close()

    def _keep_some(self, error: OSError) -> None:
        if not self._insistent:
            self._pending.clear()
            return
        beyond = max(0, len(self._pending) - _HELD)
        if beyond:
            del self._pending[-beyond:]
            self._lost += beyond
        self._losses.lost(beyond, error)
