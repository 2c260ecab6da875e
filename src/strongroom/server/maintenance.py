"""What the server does by itself: forgetting old history, and Events after their time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.api.times import parse_time
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.server.bootstrap import own_context
from strongroom.storage.errors import StoreClosed
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.maintenance")

_NEVER = datetime.min.replace(tzinfo=UTC)

EVENT_SWEEP = 60.0
"""Seconds between two looks for Events whose time is over."""


async def repeat(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act again and again until cancelled; a failure is logged and the next turn comes anyway."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except StoreClosed:
            return
        except Exception as error:  # noqa: BLE001 - maintenance must outlive any single failure
            log(logger, logging.ERROR, "maintenance failed", error)


def keep_doing(
    seconds: float, act: Callable[[], Awaitable[None]], stack: contextlib.AsyncExitStack
) -> None:
    """Act every so many seconds until ``stack`` ends it."""
    stack.push_async_callback(_cancelled, asyncio.create_task(repeat(seconds, act)))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Compactor:
    """Keeps as much history as one interval, as upstream's compactor does.

    Each turn drops what was history at the turn before, so that a client has at least one interval
    to resume a watch or finish a paged list.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._previous = 0

    async def turn(self) -> None:
        """Drop the history before the last turn's revision."""
        current = await self._store.revision()
        if self._previous:
            await self._store.compact(self._previous)
        self._previous = current


class EventSweeper:
    """Deletes Events that nobody touched for their time to live (etcd does that upstream)."""

    def __init__(self, events: Registry[Any], clock: Clock, time_to_live: float) -> None:
        self._events = events
        self._clock = clock
        self._keep = timedelta(seconds=time_to_live)

    async def turn(self) -> None:
        """Delete the Events whose time is over."""
        end = self._clock.now() - self._keep
        for entry in list(self._events.cache.list(self._events.resource.prefix()).items):
            if entry.error is None and _last_seen(entry.item) < end:
                await self._delete(entry.item)

    async def _delete(self, view: AnyView) -> None:
        ctx = own_context(self._clock, "delete", self._events.resource.plural)
        # An Event that was counted up in the meantime begins its time anew.
        only = Preconditions(resourceVersion=str(view.revision))
        try:
            await self._events.delete(
                ctx, view.namespace, view.name, DeleteOptions(preconditions=only)
            )
        except StatusError as error:
            if error.code not in (404, 409):
                raise


def _last_seen(view: AnyView) -> datetime:
    """The latest moment that an Event tells of."""
    event = view.peek()
    series = getattr(event, "series", None)
    moments = [
        event.metadata.creationTimestamp,
        getattr(event, "lastTimestamp", ""),
        getattr(event, "eventTime", ""),
        getattr(series, "lastObservedTime", ""),
    ]
    return max((parse_time(moment) for moment in moments if moment), default=_NEVER)
