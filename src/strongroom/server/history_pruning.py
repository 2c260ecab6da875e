"""Forgets revisions of Secrets: those that are too old, too many, too large, or switched off.

Writes see to the number of their own Secret's revisions; this sees to everything else, and to what
is left of Secrets that are gone. It looks at the caches, so a turn that finds nothing costs little.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.api.times import parse_time
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secretrevision import SECRET_REVISIONS, revision_name
from strongroom.resources.strongroom_annotations import HISTORY
from strongroom.server.bootstrap import own_context
from strongroom.server.history import SecretHistory
from strongroom.server.kinds import Kinds
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.history")

PRUNING = 60.0
"""Seconds between two looks for what is to be forgotten."""

MOST_BYTES = 64 * 1024 * 1024
"""Of a namespace's revisions together. Who makes and deletes Secrets without end, which no quota
counts once they are deleted, gets no more than this; the oldest go first, of deleted Secrets
before those of others."""

_AT_ONCE = 16
_STEP = 64


@dataclass(frozen=True, slots=True)
class Kept:
    """What pruning has to know of a revision; read once, as revisions never change."""

    namespace: str
    secret: str
    revision: int
    replaced: datetime
    size: int
    kind: str
    asked: str | None
    """The Secret's type and what its annotation said about history."""


BySecret = dict[str, list[Kept]]


class HistoryPruner:
    """Deletes the revisions that are not to be kept any longer.

    There may be a hundred thousand of them: others get their turns while they are looked through.
    """

    def __init__(self, kinds: Kinds, history: SecretHistory, clock: Clock, max_age: float) -> None:
        self._revisions = kinds.registry(SECRET_REVISIONS.group, SECRET_REVISIONS.plural)
        self._secrets = kinds.registry("", "secrets")
        self._namespaces = kinds.registry("", "namespaces")
        self._history = history
        self._clock = clock
        self._max_age = timedelta(seconds=max_age)
        self._known: dict[str, Kept] = {}

    async def turn(self) -> None:
        """Delete what is to go now."""
        if not len(self._revisions.cache):
            self._known.clear()
            return
        # What was switched on, or renewed, a moment ago must be seen before anything is deleted.
        for registry in (self._namespaces, self._secrets, self._revisions):
            await registry.catch_up()
        gone: list[Kept] = []
        for namespace, by_secret in (await self._read()).items():
            gone += await self._to_go(namespace, by_secret)
        if gone:
            await self._delete(gone)
            log(logger, logging.INFO, "revisions of Secrets were forgotten", count=len(gone))

    async def _read(self) -> dict[str, BySecret]:
        """All revisions by namespace and Secret; what cannot be read is left to people."""
        known: dict[str, Kept] = {}
        found: dict[str, BySecret] = {}
        entries = self._revisions.cache.list(SECRET_REVISIONS.prefix()).items
        for number, entry in enumerate(entries, 1):
            if entry.error is None:
                kept = self._known.get(entry.key) or _kept(entry.item)
                known[entry.key] = kept
                found.setdefault(kept.namespace, {}).setdefault(kept.secret, []).append(kept)
            if number % _STEP == 0:
                await asyncio.sleep(0)
        self._known = known
        return found

    async def _to_go(self, namespace: str, by_secret: BySecret) -> list[Kept]:
        """What is to go of a namespace's revisions."""
        entry = self._namespaces.cache.get(self._namespaces.resource.key("", namespace))
        if entry is None:
            return [kept for revisions in by_secret.values() for kept in revisions]
        end = self._clock.now() - self._max_age
        gone: list[Kept] = []
        staying: list[tuple[bool, Kept]] = []
        for turn, revisions in enumerate(by_secret.values(), 1):
            revisions.sort(key=lambda kept: kept.revision, reverse=True)
            secret = self._secret(namespace, revisions[0].secret)
            limit = self._limit(namespace, secret, revisions[0])
            for number, kept in enumerate(revisions):
                if number >= limit or kept.replaced < end:
                    gone.append(kept)
                else:
                    staying.append((secret is not None, kept))
            if turn % _STEP == 0:
                await asyncio.sleep(0)
        return gone + _beyond(MOST_BYTES, staying)

    def _limit(self, namespace: str, secret: Secret | None, newest: Kept) -> int:
        """What the Secret says, or said when it was there."""
        if secret is not None:
            return self._history.limit(namespace, secret.type, secret.metadata.annotations)
        asked = {} if newest.asked is None else {HISTORY: newest.asked}
        return self._history.limit(namespace, newest.kind, asked)

    def _secret(self, namespace: str, name: str) -> Secret | None:
        """The Secret as it is; None when it is gone, or cannot be read."""
        entry = self._secrets.cache.get(SECRETS.key(namespace, name))
        if entry is None or entry.error is not None:
            return None
        found: Secret = entry.item.peek()
        return found

    async def _delete(self, gone: Iterable[Kept]) -> None:
        """Delete them, so many at once that they share commits and nobody waits for long."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(kept: Kept) -> None:
            async with turn:
                await _delete(self._revisions, self._clock, kept)

        async with asyncio.TaskGroup() as group:
            for kept in gone:
                group.create_task(one(kept))


async def _delete(registry: Registry[Any], clock: Clock, kept: Kept) -> None:
    resource, namespace = registry.resource, kept.namespace
    ctx = own_context(clock, "delete", resource.plural, group=resource.group, namespace=namespace)
    name = revision_name(kept.secret, kept.revision)
    try:
        await registry.delete(ctx, namespace, name, DeleteOptions())
    except StatusError as error:
        if error.code != 404:
            raise


def _kept(view: AnyView) -> Kept:
    spec = view.peek().spec
    return Kept(
        sys.intern(view.namespace),
        spec.secretName,
        int(spec.secretResourceVersion),
        parse_time(spec.replacedAt),
        len(view.tail),
        sys.intern(spec.type),
        spec.annotations.get(HISTORY),
    )


def _beyond(most: int, found: list[tuple[bool, Kept]]) -> list[Kept]:
    """What is too much: (whether the Secret is there, revision) pairs, the least useful first."""
    found.sort(key=lambda pair: (pair[0], pair[1].replaced, pair[1].revision))
    excess = sum(kept.size for _, kept in found) - most
    gone = []
    for _, kept in found:
        if excess <= 0:
            break
        gone.append(kept)
        excess -= kept.size
    return gone
