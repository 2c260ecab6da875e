"""Secrets of which only a part is shown: get, list and watch of it.

Each view is decoded, cut down and written anew. What was made is kept for a while, as many may
watch the same part of the same Secret.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from strongroom.access.authz.partial import KeysRight
from strongroom.api import codec
from strongroom.api.audit import KEYS
from strongroom.registry.context import RequestContext
from strongroom.registry.events import EventKind, WatchEvent
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.reading import ListResult
from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView, Form
from strongroom.registry.watching import Batches
from strongroom.resources.secret import Secret
from strongroom.resources.secret_part import keep_keys, keep_metadata

_PIECE = 100
"""Objects that are cut down before others have their turn: a few milliseconds."""
MOST = 1024
MOST_BYTES = 8 * 1024 * 1024
"""Parts that are kept, and what they may take."""
_NAME_BYTES = 100
"""What a name in a set takes, about."""

_Views = list[AnyView]
_Events = AsyncGenerator[list[WatchEvent[Any]], None]
_Marks = dict[tuple[str, str], bytes]
"""What each Secret was last shown with, by namespace and name."""
_Shown = frozenset[str] | None
"""The keys that are shown; None for metadata alone."""


_Key = tuple[str, str, int, bool, _Shown]


@dataclass(eq=False, slots=True)
class _Cut:
    """A part of a Secret, and the events that show it."""

    view: AnyView
    mark: bytes
    """Differs where what is shown differs; revision and owners of fields aside."""
    events: dict[EventKind, WatchEvent[Any]] = field(default_factory=dict)


class Projections:
    """Parts of Secrets, the newest of which are kept: so many, and so many bytes."""

    def __init__(self, form: Form[Secret]) -> None:
        self._form = form
        self._kept: dict[_Key, _Cut] = {}
        self._bytes = 0

    def of(self, view: AnyView, shown: _Shown, *, last: bool = False) -> _Cut:
        """The part of a view. ``last`` is the state that a deletion shows, at its revision."""
        key = view.namespace, view.name, view.revision, last, shown
        cut = self._kept.get(key)
        if cut is None:
            cut = self._kept[key] = self._cut(view, shown)
            self._bytes += _size(key, cut)
            while len(self._kept) > MOST or self._bytes > MOST_BYTES:
                oldest = next(iter(self._kept))
                self._bytes -= _size(oldest, self._kept.pop(oldest))
        return cut

    def __len__(self) -> int:
        return len(self._kept)

    def _cut(self, view: AnyView, shown: _Shown) -> _Cut:
        secret: Secret = view.decode()
        if shown is None:
            keep_metadata(secret)
        else:
            keep_keys(secret, shown)
        part = self._form.unstored(secret, view.namespace, view.name, view.revision)
        return _Cut(part, b"" if shown is None else _mark(secret))


def _size(key: _Key, cut: _Cut) -> int:
    return len(cut.view.tail) + _NAME_BYTES * len(key[-1] or ())


def _mark(secret: Secret) -> bytes:
    meta = secret.metadata
    meta.managedFields, meta.resourceVersion = None, ""
    # Of values there is no more than what tells them apart, for as long as a watch lasts.
    return hashlib.blake2b(codec.encode(secret), digest_size=16).digest()


class PartialRegistry:
    """What verbs that read want of a registry. Without ``keys``, metadata alone is shown."""

    def __init__(
        self,
        registry: Registry[Any],
        projections: Projections,
        keys: KeysRight | None,
        annotate: Callable[[str, str], None],
    ) -> None:
        self.resource = registry.resource
        self._registry = registry
        self._projections = projections
        self._keys = keys
        self._annotate = annotate

    async def get(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        resource_version: str = "",
        *,
        subresource: str = "",
    ) -> AnyView:
        """One object. Raises as :meth:`Registry.get`."""
        view = await self._registry.get(ctx, namespace, name, resource_version)
        shown = await self._shown(view)
        self._tell(shown or ())
        return self._projections.of(view, shown).view

    async def list(
        self, ctx: RequestContext, namespace: str, options: ListOptions
    ) -> ListResult[Any]:
        """Objects of a namespace, or of all. Raises as :meth:`Registry.list`."""
        found = await self._registry.list(ctx, namespace, options)
        items: _Views = []
        sent: set[str] = set()
        for i, view in enumerate(found.items):
            if i and i % _PIECE == 0:
                await asyncio.sleep(0)
            shown = await self._shown(view)
            sent |= shown or frozenset()
            items.append(self._projections.of(view, shown).view)
        self._tell(sent)
        return ListResult(items, found.revision, found.continue_token, found.remaining)

    def watch(self, ctx: RequestContext, namespace: str, options: WatchOptions) -> Batches[Any]:
        """Batches of events. Raises at once for a bad request."""
        batches = self._registry.watch(ctx, namespace, options)
        if self._keys is not None:
            self._tell("*" if self._keys.every else self._keys.allowed)
        since = int(options.resource_version or 0)
        return self._watched(cast("_Events", batches), since)

    async def _watched(self, batches: _Events, since: int) -> _Events:
        marks: _Marks = await self._known(since)
        async with aclosing(batches):
            async for batch in batches:
                for start in range(0, len(batch), _PIECE):
                    if start:
                        await asyncio.sleep(0)
                    piece = batch[start : start + _PIECE]
                    events = [e for event in piece if (e := await self._event(event, marks))]
                    if events:
                        yield events
                batch = []  # noqa: PLW2901 - lets go of it while waiting for the next

    async def _known(self, since: int) -> _Marks:
        """What who watches on from a revision knows of the Secret: as it is, if it is not newer."""
        keys, cache = self._keys, self._registry.cache
        if keys is None or not keys.wanted.namespace or cache.revision < since:
            return {}
        place = keys.wanted.namespace, keys.wanted.name
        entry = cache.get(self.resource.key(*place))
        if entry is None or entry.error is not None or entry.revision > since:
            return {}
        return {place: self._projections.of(entry.item, await self._shown(entry.item)).mark}

    async def _event(self, event: WatchEvent[Any], marks: _Marks) -> WatchEvent[Any] | None:
        """The event as this watcher sees it; None for a change of what is not shown.

        Changes of metadata's revision are told to those who see metadata: that is how they learn
        of new values. Who sees keys is told of these keys.
        """
        view, kind = event.view, event.type
        if view is None:
            return event
        shown = await self._shown(view)
        cut = self._projections.of(view, shown, last=kind == "DELETED")
        if shown is not None:
            place = view.namespace, view.name
            before = marks.pop(place, None)
            if kind != "DELETED":
                marks[place] = cut.mark
                if kind == "MODIFIED" and before == cut.mark:
                    return None
        if event.lines is None:
            # One watcher alone sees it, and the ages in its tables count to its own moment.
            return WatchEvent(kind, cut.view, event.revision, event.at)
        told = cut.events.get(kind)
        if told is None or told.at is not event.at:
            told = WatchEvent(kind, cut.view, event.revision, event.at, lines={})
            cut.events[kind] = told
        return told

    async def _shown(self, view: AnyView) -> _Shown:
        if self._keys is None:
            return None
        # The names alone do not stay decoded: what the cache keeps is not for partial readers.
        return await self._keys.shown(sorted(view.peek().data))

    def _tell(self, keys: Iterable[str]) -> None:
        if text := ",".join(sorted(keys)):
            self._annotate(KEYS, text)
