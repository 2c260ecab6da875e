"""A watch of one Secret by a node, in which a reference shows what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from strongroom.access.authz.grants import Name
from strongroom.registry.events import EventKind, WatchEvent
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.resources.secret import Secret
from strongroom.server.sharing import Resolved, Sharing, is_reference

Batch = list[WatchEvent[Any]]
Source = AsyncGenerator[Batch, None]

Tell = Callable[[Resolved], None]
"""Told of each time that values were given by a reference."""


class ReferenceWatch:
    """Passes a watch's batches on while the name is no reference, and else what that gives.

    ``selects`` says whether the watch wants an object. ``after`` is the revision from which the
    client watches on, of whose state it is not known what it was shown; None where it knows
    nothing yet.
    """

    def __init__(
        self,
        registry: Registry[Secret],
        sharing: Sharing,
        node: str,
        key: Name,
        selects: Callable[[AnyView], bool],
        after: int | None,
        tell: Tell,
    ) -> None:
        self._registry = registry
        self._sharing = sharing
        self._node = node
        self._key = key
        self._selects = selects
        self._after = after
        self._tell = tell
        self._shown: Secret | None = None
        self._unknown = after is not None
        """Whether the client may know an object of which nothing is known here."""

    async def run(self, batches: Source) -> Source:
        """The batches as the node sees them. Raises StatusError as the watch does."""
        following: asyncio.Task[Batch] | None = None
        async with aclosing(batches):
            try:
                while True:
                    target = self._sharing.target(*self._key)
                    if target is None and following is None:
                        batch = await _next(batches)  # Nearly all watches spend their time here.
                    else:
                        following = following or asyncio.ensure_future(_next(batches))
                        if events := await self._until_done(following, target):
                            yield events
                        if not following.done():
                            continue
                        batch, following = following.result(), None
                    if not batch:
                        return
                    if events := await self._seen(batch):
                        yield events
            finally:
                if following is not None:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)

    async def _until_done(self, following: asyncio.Task[Batch], target: Name | None) -> Batch:
        """What there is to tell before the next batch; nothing when that has come."""
        if target is None:
            await asyncio.wait({following})
            return []
        with self._sharing.bell(self._key, target) as bell:
            # Looked at only now: what changes from here on rings.
            if events := await self._look():
                return events
            ring = asyncio.ensure_future(bell.wait())
            try:
                await asyncio.wait({following, ring}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ring.cancel()
        return []

    async def _seen(self, batch: Batch) -> Batch:
        """A batch of the watch itself, with what references give in place of them."""
        events: Batch = []
        for event in batch:
            if event.view is None:
                # Whoever goes on from a bookmark is told of nothing before it.
                events += await self._look()
                events.append(event)
            elif not is_reference(event.view):
                # Another object of this name, after or before the reference.
                self._shown, self._unknown = None, False
                events.append(event)
            elif event.type == "DELETED":
                if self._shown is not None or self._unknown:
                    self._shown, self._unknown = None, False
                    events.append(event)
            else:
                self._unknown = self._unknown and event.type != "ADDED"
                events += await self._look()
        return events

    async def _look(self) -> Batch:
        """Tell of what the reference gives now, if that is not what was told last."""
        revision = await self._sharing.fresh()
        after, self._after = self._after, None
        entry = self._registry.cache.get(self._registry.resource.key(*self._key))
        if entry is None or entry.error is not None or not is_reference(entry.item):
            return []  # The watch tells of that itself.
        view: AnyView = entry.item
        found = self._sharing.resolve(self._node, view) if self._selects(view) else None
        if after == revision:
            # Nothing at all has changed since the client was shown this.
            self._shown, self._unknown = found.secret if found else None, False
            return []
        return self._told(view, found, revision)

    def _told(self, view: AnyView, found: Resolved | None, revision: int) -> Batch:
        if found is None:
            if self._shown is None and not self._unknown:
                return []
            self._shown, self._unknown = None, False
            # Not the last state, which holds values: the reference, which holds none.
            return [self._event("DELETED", view.at(revision), revision)]
        if found.secret == self._shown:
            return []
        kind: EventKind = "ADDED" if self._shown is None and not self._unknown else "MODIFIED"
        self._shown, self._unknown = found.secret, False
        self._tell(found)
        namespace, name = self._key
        shown = self._registry.form.unstored(found.secret, namespace, name, revision)
        return [self._event(kind, shown, revision)]

    def _event(self, kind: EventKind, view: AnyView, revision: int) -> WatchEvent[Any]:
        return WatchEvent(kind, view, revision, self._sharing.clock.now())


async def _next(batches: Source) -> Batch:
    """The next batch; none when there will be no more, which no batch is itself."""
    return await anext(batches, [])
