"""What a server tells about its Secrets without their values, put together for one process."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable

from strongroom.api.clock import Clock
from strongroom.server.kinds import Kinds
from strongroom.server.maintenance import keep_doing
from strongroom.server.secret_metrics import secret_metrics
from strongroom.server.secret_options import SecretOptions
from strongroom.server.secret_reads import SecretReads
from strongroom.server.secret_usage import SecretUsages


class SecretCare:
    """Last reads, ends and ages. ``reads`` is None where nothing is noted."""

    def __init__(self, options: SecretOptions, kinds: Kinds, clock: Clock) -> None:
        self._options = options
        self._secrets = kinds.registry("", "secrets")
        self._clock = clock
        self.reads: SecretReads | None = None
        self._usages: SecretUsages | None = None
        if options.secret_usage_interval:
            self.reads = SecretReads()
            self._usages = SecretUsages(kinds, self.reads, clock)

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Write down what is read, from now until ``stack`` ends it."""
        if self._usages is not None:
            seconds = self._options.secret_usage_interval.total_seconds()
            keep_doing(seconds, self._usages.turn, stack)

    def lead(self, stack: contextlib.ExitStack | contextlib.AsyncExitStack) -> None:
        """Tell also what only one process tells, until ``stack`` ends it."""
        if self._usages is not None:
            self._usages.leads = True
            stack.callback(setattr, self._usages, "leads", False)

    async def page(self, metrics: Awaitable[bytes]) -> bytes:
        """The page of metrics with those of Secrets at its end."""
        text = await metrics
        if not self._options.secret_metrics:
            return text
        return text + await secret_metrics(self._secrets, self._clock.now())
