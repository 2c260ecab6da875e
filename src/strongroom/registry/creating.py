"""Create (``registry/rest/create.go``, ``registry/generic/registry/store.go``)."""

from __future__ import annotations

import contextlib
from typing import TypeVar

from strongroom.api.errors import StatusError, already_exists, bad_request, invalid
from strongroom.api.meta import Object
from strongroom.api.times import format_time
from strongroom.api.validation import validate_object_meta
from strongroom.registry.admission import Admission
from strongroom.registry.companions import NONE, Companions
from strongroom.registry.context import RequestContext
from strongroom.registry.errors import generated_name_taken, translated
from strongroom.registry.keys import object_key
from strongroom.registry.names import ATTEMPTS, generate_name
from strongroom.registry.ownership import Ownership
from strongroom.registry.uids import new_uid
from strongroom.registry.view import Form, Undecodable, View
from strongroom.registry.writing import Writer, match_namespace, unique_owners
from strongroom.storage.cache import WatchCache
from strongroom.storage.errors import KeyExists, StoreError
from strongroom.storage.port import Store

T = TypeVar("T", bound=Object)


class Creator(Writer[T]):
    """Makes objects."""

    def __init__(
        self,
        form: Form[T],
        store: Store,
        cache: WatchCache[View[T]],
        admission: Admission,
        companions: Companions = NONE,
    ) -> None:
        super().__init__(form, store, cache, admission, companions)
        self._ownership = Ownership(form.resource)

    async def create(
        self, ctx: RequestContext, namespace: str, obj: T, *, name_hint: str = ""
    ) -> View[T]:
        """Store a new object, which the registry may change.

        Raises StatusError 400 (wrong namespace, resourceVersion set), 409, 422, and whatever
        admission refuses with. In a dry run nothing is stored, and the answer has no
        resourceVersion.
        """
        if obj.metadata.resourceVersion:
            raise bad_request("resourceVersion should not be set on objects to be created")
        wipe(obj)
        match_namespace(self.resource, obj, namespace)
        unique_owners(ctx, obj, admitted=False)
        obj.metadata.name = obj.metadata.name or name_hint
        if obj.metadata.name or not obj.metadata.generateName:
            return await self._create(ctx, obj)
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._create(ctx, self.form.copy(obj))
            except StatusError as error:
                if error.reason != "AlreadyExists":
                    raise
        return await self._create(ctx, obj)

    async def _create(self, ctx: RequestContext, obj: T) -> View[T]:
        await self.prepare(ctx, obj)
        meta = obj.metadata
        key = object_key(self.resource, meta.namespace, meta.name)
        try:
            with translated(self.group_resource, "create", meta.name):
                return await self.insert(ctx, key, obj)
        except StatusError as error:
            if isinstance(error.__cause__, KeyExists):
                raise await self._taken(key, obj) from error
            raise

    async def prepare(self, ctx: RequestContext, obj: T, *, owned: bool = False) -> None:
        """Everything before the object is stored. Also for an update that makes the object.

        ``owned`` says that the object has its owners already.
        """
        resource, meta = self.resource, obj.metadata
        meta.creationTimestamp = format_time(ctx.now)
        meta.uid = new_uid()
        if not meta.name and meta.generateName:
            meta.name = generate_name(meta.generateName)
        resource.default(obj)
        if resource.adds_unowned and not owned:
            self._ownership.created(ctx, obj)
        resource.prepare_for_create(obj, ctx.now)
        resource.prepare_for_requester(obj, ctx.user)
        if not resource.adds_unowned and not owned:
            self._ownership.created(ctx, obj)
        if await self.admission.mutate(ctx, "CREATE", obj, None):
            resource.default(obj)
            resource.prepare_for_create(obj, ctx.now)
            resource.prepare_for_requester(obj, ctx.user)
            meta = obj.metadata
        unique_owners(ctx, obj, admitted=True)
        errors = validate_object_meta(
            meta, resource.namespaced, resource.validate_name, any_finalizer=resource.any_finalizer
        )
        errors += resource.validate(obj)
        if errors:
            raise invalid(resource.group_kind, meta.name, errors)
        for text in resource.warnings(obj, None):
            ctx.tell(text)
        await self.admission.validate(ctx, "CREATE", obj, None)

    async def insert(self, ctx: RequestContext, key: str, obj: T) -> View[T]:
        """Store a prepared object. Raises KeyExists."""
        value = self.form.encode(obj)
        if ctx.dry_run:
            if await self.store.get(key) is not None:
                raise KeyExists(key)
            return self.form.view(key, value, 0)
        beside = self.companions.beside(ctx, None, obj)
        return self.form.view(key, value, await self.store.create(key, value, beside=beside))

    async def _taken(self, key: str, obj: T) -> StatusError:
        meta = obj.metadata
        make = generated_name_taken if meta.generateName else already_exists
        error = make(self.group_resource, meta.name)
        # What holds the name may be unreadable; it is taken all the same.
        with contextlib.suppress(StoreError, Undecodable):
            existing = await self.read(key)
            if existing is not None and existing.peek().metadata.deletionTimestamp:
                error.message = f"object is being deleted: {error.message}"
        return error


def wipe(obj: T) -> None:
    """Clear what only the server sets."""
    meta = obj.metadata
    meta.creationTimestamp = meta.uid = meta.deletionTimestamp = meta.selfLink = ""
    meta.resourceVersion = ""
    meta.deletionGracePeriodSeconds = None
