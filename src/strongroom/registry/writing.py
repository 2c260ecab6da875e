"""What create, update, patch and delete share: the compare-and-swap loop and the common rules.

A write is judged against the cached object first, which spares a read. If the cache was behind,
the swap fails (or the judgement did, for a reason that may be gone), and it is judged again
against what the store holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from strongroom.api.errors import GroupResource, StatusError, bad_request
from strongroom.api.meta import Object, OwnerReference
from strongroom.registry.admission import Admission
from strongroom.registry.companions import NONE, Companions
from strongroom.registry.context import RequestContext
from strongroom.registry.turns import Turns
from strongroom.registry.view import Form, View
from strongroom.resources.resource import Resource
from strongroom.storage.cache import WatchCache
from strongroom.storage.errors import KeyExists, RevisionConflict
from strongroom.storage.port import KeyValue, Store

T = TypeVar("T", bound=Object)
R = TypeVar("R")

_DUPLICATE_OWNERS = (
    ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references "
    "in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
    "UID(s) observed: {}"
)


class Writer(Generic[T]):
    """Base of the writing verbs of one kind."""

    def __init__(
        self,
        form: Form[T],
        store: Store,
        cache: WatchCache[View[T]],
        admission: Admission,
        companions: Companions = NONE,
    ) -> None:
        self.form = form
        self.store = store
        self.cache = cache
        self.admission = admission
        self.companions = companions
        self._turns = Turns()

    @property
    def resource(self) -> Resource[T]:
        """The kind."""
        return self.form.resource

    @property
    def group_resource(self) -> GroupResource:
        """The kind as errors name it."""
        return self.form.resource.group_resource

    async def swap(self, key: str, attempt: Callable[[View[T] | None], Awaitable[R]]) -> R:
        """Run ``attempt`` on the current object (None: there is none) until it is not overtaken.

        ``attempt`` writes with the revision of the object that it was given, so that it fails with
        RevisionConflict (or KeyExists) when somebody else was faster. Each round means that
        another write succeeded, so the loop ends. A StatusError is final only when it was raised
        against what the store holds.
        """
        async with self._turns.of(key):
            return await self._swap(key, attempt)

    async def _swap(self, key: str, attempt: Callable[[View[T] | None], Awaitable[R]]) -> R:
        # A cache that is behind the store is not asked: a write that seems to change nothing of
        # an old object would be answered, and not done.
        behind = self.cache.revision < self.store.current_revision
        cached = None if behind else self.cache.get(key)
        current = cached is None or cached.error is not None
        view = await self.read(key) if cached is None or current else cached.item
        while True:
            try:
                return await attempt(view)
            except RevisionConflict as conflict:
                view = self._view(conflict.current)
                current = True
            except KeyExists:
                view = await self.read(key)
                current = True
            except StatusError:
                if current:
                    raise
                judged = view
                view = await self.read(key)
                if view is not None and judged is not None and view.revision == judged.revision:
                    raise
                current = True

    async def read(self, key: str) -> View[T] | None:
        """The object as the store holds it now."""
        return self._view(await self.store.get(key))

    def _view(self, kv: KeyValue | None) -> View[T] | None:
        return None if kv is None else self.form.project(kv)


def match_namespace(resource: Resource[T], obj: T, namespace: str) -> None:
    """Give the object the request's namespace, or refuse another one. Raises StatusError 400."""
    wanted = namespace if resource.namespaced else ""
    if obj.metadata.namespace in (wanted, "") or not wanted:
        obj.metadata.namespace = wanted
        return
    raise bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"
    )


def match_name(obj: T, name: str) -> None:
    """Refuse an object of another name than the URL's. Raises StatusError 400."""
    found = obj.metadata.name
    if not found:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: "
            "name must be provided"
        )
    if found != name:
        raise bad_request(
            f"the name of the object ({found}) does not match the name on the URL ({name})"
        )


def unique_owners(ctx: RequestContext, obj: T, *, admitted: bool) -> None:
    """Drop repeated owner references, with a warning; ``admitted`` says that admission has run."""
    references = obj.metadata.ownerReferences
    if len(references) < 2:
        return
    unique: list[OwnerReference] = []
    repeated = []
    for reference in references:
        if reference in unique:
            repeated.append(reference.uid)
        else:
            unique.append(reference)
    if repeated:
        when = " after mutating admission happens" if admitted else ""
        ctx.tell(_DUPLICATE_OWNERS.format(when, ", ".join(repeated)))
        obj.metadata.ownerReferences = unique
