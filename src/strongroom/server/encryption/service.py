"""Encryption at rest while the server runs: follows its configuration and the plugins' keys."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from strongroom.api.configuration import BadConfiguration
from strongroom.server.encryption.asking import Asking
from strongroom.server.encryption.configuration import read_encryption
from strongroom.server.encryption.providers import Pair, Providers
from strongroom.server.maintenance import keep_doing
from strongroom.server.reloading import BadFile, Reloading, read
from strongroom.storage.encryption.choosing import TransformerByKind
from strongroom.storage.encryption.port import EncryptionError

logger = logging.getLogger("strongroom.server.encryption")

_TURN = 1.0
_CLOSE_AFTER = 30.0
"""Seconds after which the plugins of a configuration that was replaced are hung up on: what was
asked before is answered by then."""


class Encryption:
    """The transformers of an ``--encryption-provider-config``. ``own`` reads what is older.

    Raises BadFile when the file cannot be used. The plugins are asked for the first time by
    ``prime``: a server whose keys cannot be had does not start, since it could read nothing.
    """

    def __init__(
        self,
        path: Path,
        own: Sequence[Pair] = (),
        *,
        reload: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self._own, self._monotonic = path, own, monotonic
        self._reloads_itself = reload
        self._files = Reloading(
            [path], self._reload, what="encryption providers", counted=self._told
        )
        self._reloads: Counter | None = None
        self._providers = self._read()
        self._asking = self._asks(self._providers)
        self._old: list[tuple[float, Providers]] = []
        self.values = TransformerByKind(self._providers.choose, quick=self._providers.quick)

    def prime(self) -> None:
        """Ask every plugin, as the server starts. Raises KeyServiceError."""
        self._asking.prime()
        self._warn()

    def begin(self, metrics: CollectorRegistry, stack: contextlib.AsyncExitStack) -> None:
        """Follow file and keys until ``stack`` ends it."""
        self._reloads = Counter(
            "apiserver_encryption_config_controller_automatic_reloads_total",
            "Changes of the encryption configuration, by whether they could be used.",
            ["status"],
            registry=metrics,
        )
        if self._reloads_itself:
            self._files.begin(stack)
        keep_doing(_TURN, self.turn, stack)
        stack.callback(lambda: self._providers.close())  # noqa: PLW0108 - those of then

    async def check(self) -> None:
        """The health check ``kms-providers``. Raises KeyServiceError when a plugin is not well."""
        await self._asking.check()

    async def turn(self) -> None:
        """Ask the plugins whose time has come. None waits for another."""
        now = self._monotonic()
        await self._asking.turn()
        while self._old and self._old[0][0] <= now:
            self._old.pop(0)[1].close()

    async def _reload(self) -> None:
        """Take a new configuration into use, once its plugins answer."""
        new = self._read()
        asking = self._asks(new)
        try:
            await asking.try_all()
        except EncryptionError as error:
            new.close()
            raise BadFile(f"{self.path}: {error}") from error
        now = self._monotonic()
        self._old.append((now + _CLOSE_AFTER, self._providers))
        self._providers, self._asking = new, asking
        self.values.reset(new.choose, quick=new.quick)
        self._warn()

    def _asks(self, providers: Providers) -> Asking:
        checks = [(plugged.name, plugged.check) for plugged in providers.plugged]
        return Asking(checks, self._monotonic)

    def _read(self) -> Providers:
        try:
            return Providers(read_encryption(read(self.path)), self._own)
        except BadConfiguration as error:
            raise BadFile(f"{self.path}: {error}") from error

    def _warn(self) -> None:
        if self._providers.in_the_clear("", "secrets"):
            logger.warning("Secrets are not encrypted: the encryption configuration says so")

    def _told(self, good: bool) -> None:
        if self._reloads is not None:
            self._reloads.labels("success" if good else "failure").inc()
