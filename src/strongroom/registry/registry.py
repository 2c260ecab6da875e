"""The generic registry: all verbs of one kind, over a store.

reading.py    get, list            from the watch cache, the past from the store's history
watching.py   watch                from the watch cache's changes
creating.py   create               }
updating.py   update, patch        } judged by resource and admission, then swapped in
deleting.py   delete, …collection  }
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from strongroom.api.clock import Clock
from strongroom.api.meta import DeleteOptions, Object
from strongroom.api.patch import PatchType
from strongroom.registry.admission import Admission, AdmissionPlugin
from strongroom.registry.companions import NONE, Companions
from strongroom.registry.context import RequestContext
from strongroom.registry.creating import Creator
from strongroom.registry.deleting import Deleter, check_options
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.patching import Patcher
from strongroom.registry.reading import ListResult, Reader
from strongroom.registry.updating import Change, Updater
from strongroom.registry.view import Form, View
from strongroom.registry.watching import BOOKMARK_SECONDS, Batches, Watcher
from strongroom.resources.resource import Resource
from strongroom.storage.cache import WatchCache
from strongroom.storage.port import Store

T = TypeVar("T", bound=Object)


class Registry(Generic[T]):
    """One kind's objects. Errors are StatusErrors; objects given to it may be changed by it.

    ``start`` must be awaited before anything else. ``bookmark_seconds`` is how often a watch that
    allows bookmarks gets one, ``companions`` say what is written beside each object.
    """

    def __init__(
        self,
        resource: Resource[T],
        store: Store,
        admission: Sequence[AdmissionPlugin],
        clock: Clock,
        *,
        bookmark_seconds: float = BOOKMARK_SECONDS,
        companions: Companions = NONE,
    ) -> None:
        self.resource = resource
        self.form = Form(resource)
        self.cache: WatchCache[View[T]] = WatchCache(store, resource.prefix(), self.form.project)
        self.admission = plugins = Admission(admission, resource)
        """Judges writes; here for subresources that write nothing, and are judged all the same."""
        parts = (self.form, store, self.cache)
        self._reader = Reader(*parts)
        self._watcher = Watcher(*parts, clock, bookmark_seconds)
        self._creator = Creator(*parts, plugins, companions)
        self._updater = Updater(*parts, plugins, companions)
        self._patcher = Patcher(self._updater)
        self._deleter = Deleter(*parts, plugins, companions)

    async def start(self) -> None:
        """Fill the cache and follow the store."""
        await self.cache.start()

    async def close(self) -> None:
        """End watches and stop following the store, which stays open."""
        await self.cache.close()

    async def catch_up(self) -> None:
        """Wait until the cache shows every write up to now. Raises StatusError 504."""
        await self._reader.catch_up("")

    async def get(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        resource_version: str = "",
        *,
        subresource: str = "",
    ) -> View[Any]:
        """One object: as of now (""), as cached ("0"), or not older than a revision.

        A subresource of another kind is answered as that kind, here and by the verbs that write.
        """
        projector = self._updater.projector(subresource)
        if projector is None:
            return await self._reader.get(namespace, name, resource_version)
        where = projector.group_resource
        return projector.view(await self._reader.get(namespace, name, resource_version, where))

    async def list(
        self, ctx: RequestContext, namespace: str, options: ListOptions
    ) -> ListResult[T]:
        """Objects of a namespace, or of all ("")."""
        return await self._reader.select(ctx, namespace, options)

    def watch(self, ctx: RequestContext, namespace: str, options: WatchOptions) -> Batches[T]:
        """Batches of events. Raises at once for a bad request; see :class:`Watcher`."""
        return self._watcher.watch(namespace, options)

    async def create(
        self, ctx: RequestContext, namespace: str, obj: T, *, name_hint: str = ""
    ) -> View[T]:
        """Store a new object; ``name_hint`` names one that has no name of its own."""
        return await self._creator.create(ctx, namespace, obj, name_hint=name_hint)

    async def update(
        self, ctx: RequestContext, namespace: str, name: str, obj: Any, *, subresource: str = ""
    ) -> View[Any]:
        """Replace an object, or a part of it. ``ctx.created`` says that it was made."""
        view = await self._updater.update(ctx, namespace, name, obj, subresource)
        return self._shown(view, subresource)

    async def patch(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        patch_type: PatchType,
        body: bytes,
        *,
        subresource: str = "",
    ) -> View[Any]:
        """Change an object, or a part of it, as a patch says."""
        view = await self._patcher.patch(ctx, namespace, name, patch_type, body, subresource)
        return self._shown(view, subresource)

    async def apply_configuration(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        body: bytes,
        *,
        subresource: str = "",
        force: bool = False,
    ) -> View[Any]:
        """Server-side apply; ``ctx.created`` says that the object was made."""
        view = await self._patcher.apply(ctx, namespace, name, body, subresource, force=force)
        return self._shown(view, subresource)

    def _shown(self, view: View[T], subresource: str) -> View[Any]:
        projector = self._updater.projector(subresource)
        return projector.view(view) if projector else view

    async def apply(self, ctx: RequestContext, change: Change[T]) -> View[T]:
        """Make a change that a special subresource has worked out."""
        return await self._updater.apply(ctx, change)

    async def delete(
        self, ctx: RequestContext, namespace: str, name: str, options: DeleteOptions
    ) -> tuple[View[T], bool]:
        """Delete an object: its last state, and whether it is gone (or only marked)."""
        return await self._deleter.delete(ctx, namespace, name, options)

    async def delete_unreadable(self, ctx: RequestContext, namespace: str, name: str) -> None:
        """Delete an object that cannot be read from storage, and no other."""
        await self._deleter.delete_unreadable(ctx, namespace, name)

    async def delete_collection(
        self,
        ctx: RequestContext,
        namespace: str,
        list_options: ListOptions,
        options: DeleteOptions,
    ) -> ListResult[T]:
        """Delete what a list selects; the objects as they were listed."""
        check_options(options)
        for text in self.resource.deletion_warnings(options):
            ctx.tell(text)
        result = await self._reader.select(ctx, namespace, list_options)
        await self._deleter.delete_each(ctx, result.items, options)
        return result
