"""Deletes bootstrap tokens when their time is over.

Source: ``pkg/controller/bootstrap/tokencleaner.go``.
"""

from __future__ import annotations

from datetime import timedelta

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.informer import Change
from strongroom.client.queue import WorkQueue
from strongroom.controllers.bootstrapsigner import bootstrap_tokens
from strongroom.controllers.controller import Key
from strongroom.resources.bootstrap_token import time_left
from strongroom.resources.secret import SECRETS, Secret

LONGEST = timedelta(minutes=10)
"""Most time until a token is looked at again: clocks are set, and machines sleep."""


class TokenCleaner:
    """Keys are bootstrap tokens; each is looked at when it changes and when it ends."""

    name = "tokencleaner"
    workers = 1

    def __init__(self, client: Client, clock: Clock) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.1, limit=30.0)
        self._client = client
        self._clock = clock
        self._tokens = bootstrap_tokens(client)

    async def start(self) -> None:
        self._tokens.add_handler(self._on_token)
        self._tokens.start()
        await self._tokens.wait_synced()

    async def close(self) -> None:
        await self._tokens.close()

    def _on_token(self, change: Change[Secret]) -> None:
        if change.type != "deleted":
            self.queue.add((change.obj.metadata.namespace, change.obj.metadata.name))

    async def reconcile(self, key: Key) -> None:
        token = self._tokens.get(*key)
        if token is None:
            return
        left = time_left(token, self._clock.now())
        if left:
            self.queue.add_after(key, min(left, LONGEST).total_seconds())
        elif left is not None:
            await self._delete(token)

    async def _delete(self, token: Secret) -> None:
        meta = token.metadata
        try:
            await self._client.delete(SECRETS, meta.name, meta.namespace, uid=meta.uid)
        except StatusError as error:
            # Gone already, or another token that was given the same name.
            if error.code not in (404, 409):
                raise
