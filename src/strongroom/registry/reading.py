"""Get and list (``storage/cacher``, ``storage/etcd3/store.go`` of k8s.io/apiserver).

The present comes from the watch cache, which is first brought up to the store's revision unless
the client accepts less. The past (an exact revision, the later pages of a list) comes from the
store's history.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar

from strongroom.api.errors import GroupResource, bad_request, expired, not_found
from strongroom.api.meta import Object
from strongroom.registry.context import RequestContext
from strongroom.registry.continuation import LATEST, Continuation, decode, following
from strongroom.registry.errors import CONTINUE_EXPIRED, translated
from strongroom.registry.keys import object_key
from strongroom.registry.options import EXACT, ListOptions, parse_revision
from strongroom.registry.selection import Selection
from strongroom.registry.view import Form, Undecodable, View
from strongroom.storage.cache import Cached, WatchCache
from strongroom.storage.errors import Compacted, UndecryptableList
from strongroom.storage.port import KeyValue, Page, Store

T = TypeVar("T", bound=Object)

FRESH_WITHIN = 3.0
"""Seconds that a read waits for the cache to reach the revision it asks for."""

_LARGEST_PAGE = 10_000

asked: ContextVar[bool] = ContextVar("asked", default=False)
"""Set where the store was asked for its revision since the request came: what is known is new."""


@dataclass(frozen=True, slots=True)
class ListResult(Generic[T]):
    """Objects as of ``revision``. ``remaining`` is None where nothing remains or nobody knows."""

    items: list[View[T]]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


class Reader(Generic[T]):
    """Reads of one kind."""

    def __init__(self, form: Form[T], store: Store, cache: WatchCache[View[T]]) -> None:
        self._form = form
        self._store = store
        self._cache = cache
        self._resource = form.resource
        self._group_resource = form.resource.group_resource

    async def get(
        self,
        namespace: str,
        name: str,
        resource_version: str,
        missing: GroupResource | None = None,
    ) -> View[T]:
        """One object, at least as fresh as asked. Raises StatusError 404, 400, 504.

        ``missing`` is what the 404 says that there is none of, if not the kind.
        """
        key = object_key(self._resource, namespace, name)
        with translated(self._group_resource, "get", name):
            await self._begin(resource_version)
            entry = self._cache.get(key)
            if entry is not None and entry.error is not None:
                raise entry.error
        if entry is None:
            raise not_found(missing or self._group_resource, name)
        return entry.item

    async def _begin(self, resource_version: str) -> None:
        """As ``catch_up``, for a request that the store may have been asked for already."""
        if not resource_version and asked.get():
            revision = self._store.current_revision
            if self._cache.revision < revision:
                await self._cache.wait_for(revision, FRESH_WITHIN)
        else:
            await self.catch_up(resource_version)

    async def catch_up(self, resource_version: str) -> None:
        """Wait until the cache is as fresh as asked: "" is now, "0" whatever there is."""
        if not resource_version:
            revision = await self._store.revision()
            if self._cache.revision < revision:
                await self._cache.wait_for(revision, FRESH_WITHIN)
        elif revision := parse_revision(resource_version):
            await self._cache.wait_for(revision, FRESH_WITHIN)

    async def select(
        self, ctx: RequestContext, namespace: str, options: ListOptions
    ) -> ListResult[T]:
        """Selected objects in the order of their keys. Raises StatusError 400, 410, 422, 504."""
        options.validated()
        resource = self._resource
        chosen = Selection(resource, namespace, options.label_selector, options.field_selector)
        prefix = resource.prefix(chosen.namespace)
        exact, start = _point(options, prefix)
        with translated(self._group_resource, "list"):
            if exact:
                return await self._list_history(ctx, chosen, prefix, options, exact, start)
            await self._begin("" if options.continue_token else options.resource_version)
        return self._list_cache(ctx, chosen, prefix, options, start)

    def _list_cache(
        self,
        ctx: RequestContext,
        chosen: Selection,
        prefix: str,
        options: ListOptions,
        start: str,
    ) -> ListResult[T]:
        revision = self._cache.revision
        limit = 0 if options.resource_version == "0" else max(options.limit, 0)
        if chosen.empty and limit:
            page = self._cache.list(prefix, start, limit)
            if not page.broken:
                views = [entry.item for entry in page.items]
                return self._page(views, page.remaining, revision, prefix)
        entries, broken = self._entries(chosen, prefix, start)
        if broken:
            _warn(ctx, chosen, [entry.key for entry in entries if entry.error])
            entries = [entry for entry in entries if not entry.error]
        views = [entry.item for entry in entries]
        if not chosen.empty:
            return self._filtered_page(views, chosen, limit, revision, prefix)
        shown = views[:limit] if limit else views
        return self._page(shown, len(views) - len(shown), revision, prefix)

    def _entries(
        self, chosen: Selection, prefix: str, start: str
    ) -> tuple[list[Cached[View[T]]], bool]:
        """What the cache has of the prefix, or of the only name; whether any may be unreadable."""
        if chosen.name is None or (self._resource.namespaced and not chosen.namespace):
            page = self._cache.list(prefix, start)
            return page.items, bool(page.broken)
        key = self._resource.key(chosen.namespace, chosen.name)
        entry = self._cache.get(key)
        return ([entry] if entry is not None and key >= start else []), True

    def _page(
        self, views: list[View[T]], remaining: int, revision: int, prefix: str
    ) -> ListResult[T]:
        if not remaining:
            return ListResult(views, revision)
        return ListResult(views, revision, self._token(views[-1], revision, prefix), remaining)

    def _filtered_page(
        self, views: list[View[T]], chosen: Selection, limit: int, revision: int, prefix: str
    ) -> ListResult[T]:
        if not limit:
            return ListResult([view for view in views if chosen.matches(view)], revision)
        found = []
        for i, view in enumerate(views):
            if chosen.matches(view):
                found.append(view)
                if len(found) == limit and i + 1 < len(views):
                    return ListResult(found, revision, self._token(view, revision, prefix))
        return ListResult(found, revision)

    def _token(self, last: View[T], revision: int, prefix: str) -> str:
        key = self._resource.key(last.namespace, last.name)
        return following(key, revision).encode(prefix)

    async def _list_history(
        self,
        ctx: RequestContext,
        chosen: Selection,
        prefix: str,
        options: ListOptions,
        revision: int,
        start: str,
    ) -> ListResult[T]:
        limit = max(options.limit, 0)
        known = await self._list_past(chosen, prefix, revision, start, limit)
        if known is not None:
            return known
        found: list[View[T]] = []
        size = limit
        while True:
            page = await self._history_page(ctx, chosen, options, start, size, revision)
            for i, kv in enumerate(page.items):
                view = self._read(ctx, chosen, kv)
                if view is not None and chosen.matches(view):
                    found.append(view)
                more = i + 1 < len(page.items) or page.more
                if limit and len(found) == limit and more:
                    remaining = page.remaining if chosen.empty else None
                    token = following(kv.key, revision).encode(prefix)
                    return ListResult(found, revision, token, remaining)
            if not page.more or not page.items:
                return ListResult(found, revision)
            start = following(page.items[-1].key, revision).start
            # Selectors dropped a part of the page: ask for more at a time, as upstream does.
            size = min(size * 2, _LARGEST_PAGE)

    async def _list_past(
        self, chosen: Selection, prefix: str, revision: int, start: str, limit: int
    ) -> ListResult[T] | None:
        """The list from what the cache knows of the past; None when the store has to tell."""
        await self._cache.wait_for(revision, FRESH_WITHIN)
        try:
            # What is compacted is over, whatever the cache still knows. One look costs little.
            await self._store.get(prefix, revision=revision)
        except Compacted:
            return None
        past = self._cache.past(prefix, revision, start, limit if chosen.empty else 0)
        if past is None:
            return None
        if chosen.empty:
            return self._page(past.items, past.remaining, revision, prefix)
        return self._filtered_page(past.items, chosen, limit, revision, prefix)

    async def _history_page(
        self,
        ctx: RequestContext,
        chosen: Selection,
        options: ListOptions,
        start: str,
        limit: int,
        revision: int,
    ) -> Page:
        prefix = self._resource.prefix(chosen.namespace)
        if revision > self._cache.revision:
            await self._cache.wait_for(revision, FRESH_WITHIN)
        try:
            return await self._store.list(prefix, limit=limit, start=start, revision=revision)
        except UndecryptableList as error:
            _warn(ctx, chosen, [failure.key for failure in error.failures])
            return error.page
        except Compacted as error:
            if not options.continue_token:
                raise
            token = Continuation(LATEST, start).encode(prefix)
            raise expired(CONTINUE_EXPIRED, continue_token=token) from error

    def _read(self, ctx: RequestContext, chosen: Selection, kv: KeyValue) -> View[T] | None:
        try:
            return self._form.project(kv)
        except Undecodable:
            _warn(ctx, chosen, [kv.key])
            return None


def _warn(ctx: RequestContext, chosen: Selection, keys: Iterable[str]) -> None:
    """Tell what is missing; of a single name, nothing of others, which may not be the asker's."""
    for key in sorted(keys):
        if chosen.name is not None and key.rpartition("/")[2] != chosen.name:
            continue
        ctx.tell(f"left out of the list because it cannot be read from storage: {key}")


def _point(options: ListOptions, prefix: str) -> tuple[int, str]:
    """The exact revision to list (0: the present), and the key to begin at."""
    if options.continue_token:
        continuation = decode(options.continue_token, prefix)
        if options.resource_version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return max(continuation.revision, 0), continuation.start
    revision = parse_revision(options.resource_version)
    legacy = not options.resource_version_match and options.limit > 0
    return (revision if legacy or options.resource_version_match == EXACT else 0), ""
