"""How long a container that keeps ending waits before it is started again.

Upstream's rule: 10 s after the second end, doubling to 5 min; a container that lasted ten minutes
beyond its last delay starts over. The first restart is immediate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

INITIAL = timedelta(seconds=10)
LIMIT = timedelta(minutes=5)
_FORGOTTEN_AFTER = 2 * LIMIT


@dataclass(slots=True)
class CrashLoop:
    """The back-off of one container."""

    delay: timedelta = timedelta()
    _counted_at: datetime | None = None

    def remaining(self, ended_at: datetime, now: datetime) -> timedelta:
        """How long to wait still, after an end at ``ended_at``; zero when it may start now."""
        if self._counted_at is None or self._forgotten(ended_at):
            return timedelta()
        return max(timedelta(), ended_at + self.delay - now)

    def count(self, ended_at: datetime, now: datetime) -> None:
        """One more restart, after an end at ``ended_at``."""
        if self._counted_at is None or self._forgotten(ended_at):
            self.delay = INITIAL
        else:
            self.delay = min(2 * self.delay, LIMIT)
        self._counted_at = now

    def _forgotten(self, ended_at: datetime) -> bool:
        return self._counted_at is not None and ended_at - self._counted_at > _FORGOTTEN_AFTER


def go_duration(duration: timedelta) -> str:
    """Whole seconds as Go prints a duration: ``10s``, ``1m20s``, ``5m0s``."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
