"""What is told of events that could not be passed on: all are counted, few lines are logged."""

from __future__ import annotations

import logging

from prometheus_client import Counter

from strongroom.api.clock import Clock
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

QUIET = 60.0
"""Seconds between two lines about the same trouble."""


class Losses:
    """The losses of one sink, which ``plugin`` names in the metric ``apiserver_audit_error_total``.

    The first loss is logged, then one a minute with how many there were, and the end of it.
    """

    def __init__(self, plugin: str, errors: Counter, clock: Clock) -> None:
        self._plugin = plugin
        self._errors = errors.labels(plugin)
        self._clock = clock
        self._failing = False
        self._logged = 0.0
        self._untold = 0

    def lost(self, count: int, error: BaseException | None = None, why: str = "") -> None:
        """That many events are lost; 0 if some may be soon. ``why`` holds no values."""
        self._errors.inc(count)
        self._untold += count
        now = self._clock.monotonic()
        if self._failing and now - self._logged < QUIET:
            return
        self._failing, self._logged = True, now
        self._tell(logging.ERROR, "audit events cannot be passed on", error, why)

    def works(self) -> None:
        """Events arrive again, or still."""
        if self._failing:
            self._failing = False
            self._tell(logging.WARNING, "audit events are passed on again")

    def _tell(
        self, level: int, message: str, error: BaseException | None = None, why: str = ""
    ) -> None:
        more = {"why": why} if why else {}
        log(logger, level, message, error, backend=self._plugin, lost=self._untold, **more)
        self._untold = 0
