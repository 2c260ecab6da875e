"""Asks those who hold keys elsewhere which they use, again and again while the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from strongroom.storage.encryption.port import EncryptionError, KeyServiceError
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.encryption")

ASK_AGAIN, ASK_SOON = 60.0, 10.0
"""Seconds between two questions to a plugin, when it is well and when it is not, as upstream."""

LEASE = 180.0
"""Seconds for which values are written after a plugin last confirmed its key, as upstream."""

Check = tuple[str, Callable[[], None]]
"""The name of a provider, and what asks it: may take seconds, and raises EncryptionError."""


class Asking:
    """Each provider is asked when its time has come, in a thread, and none waits for another."""

    def __init__(self, checks: Sequence[Check], monotonic: Callable[[], float]) -> None:
        self._checks, self._monotonic = checks, monotonic
        self._asked: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    def prime(self) -> None:
        """Ask all, as the server starts. Raises KeyServiceError."""
        for name, check in self._checks:
            try:
                check()
            except EncryptionError as error:
                raise KeyServiceError(f"KMS provider {name!r} cannot be used: {error}") from error
            self._asked[name] = self._monotonic()

    async def try_all(self) -> None:
        """Ask all, while the server runs. Raises EncryptionError."""
        for name, check in self._checks:
            await asyncio.to_thread(check)
            self._asked[name] = self._monotonic()

    async def check(self) -> None:
        """The health check ``kms-providers``. Raises KeyServiceError when one is not well."""
        if self._failures:
            raise KeyServiceError(f"not well: {', '.join(sorted(self._failures))}")

    async def turn(self) -> None:
        """Ask those whose time has come."""
        now = self._monotonic()
        due = [(name, check) for name, check in self._checks if self._due(name, now)]
        await asyncio.gather(*(self._ask(name, check, now) for name, check in due))

    def _due(self, name: str, now: float) -> bool:
        pause = ASK_SOON if name in self._failures else ASK_AGAIN
        return now - self._asked.get(name, float("-inf")) >= pause

    async def _ask(self, name: str, check: Callable[[], None], now: float) -> None:
        self._asked[name] = now
        try:
            await asyncio.to_thread(check)
        except EncryptionError as error:
            if self._failures.get(name) != str(error):
                log(logger, logging.ERROR, f"KMS provider {name!r} is not well", error)
            self._failures[name] = str(error)
            return
        if self._failures.pop(name, None) is not None:
            log(logger, logging.INFO, f"KMS provider {name!r} is well again")
