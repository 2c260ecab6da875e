"""Update (``registry/rest/update.go``, ``registry/generic/registry/store.go``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from strongroom.api.errors import (
    FieldError,
    GroupKind,
    StatusError,
    conflict,
    invalid,
    not_found,
)
from strongroom.api.meta import Object
from strongroom.api.validation import (
    Path,
    invalid_value,
    path_segment,
    validate_object_meta,
    validate_object_meta_update,
)
from strongroom.registry.admission import Admission
from strongroom.registry.companions import NONE, Companions
from strongroom.registry.context import RequestContext
from strongroom.registry.creating import Creator, wipe
from strongroom.registry.errors import precondition_failed, translated
from strongroom.registry.keys import object_key
from strongroom.registry.options import parse_revision
from strongroom.registry.ownership import Ownership, same_but_for_times
from strongroom.registry.projecting import Projector
from strongroom.registry.view import Form, View
from strongroom.registry.writing import Writer, match_name, match_namespace, unique_owners
from strongroom.resources.resource import Subresource
from strongroom.storage.cache import WatchCache
from strongroom.storage.errors import RevisionConflict
from strongroom.storage.port import Store

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What a request wants to do to an object.

    ``make`` gives the new object, from the present one (which it may use up) or None where there
    is none and the kind is made by updates; it is called once for each attempt. ``uid`` is the UID
    that the present object must have, if any. ``judged_as`` is what admission is shown as created
    instead of the changed object, for a path that takes another kind (a Binding). ``creates`` makes
    the object where there is none, whatever its kind. Unless ``tracked``, ``make`` sees to the
    owners of fields. By the path of a subresource that shows another kind, ``make`` is given and
    makes objects of that kind.
    """

    namespace: str
    name: str
    make: Callable[[T | None], T]
    subresource: Subresource[T] | None = None
    uid: str = ""
    judged_as: Object | None = None
    creates: bool = False
    tracked: bool = True


class Updater(Writer[T]):
    """Replaces objects."""

    def __init__(
        self,
        form: Form[T],
        store: Store,
        cache: WatchCache[View[T]],
        admission: Admission,
        companions: Companions = NONE,
    ) -> None:
        super().__init__(form, store, cache, admission, companions)
        self._creator = Creator(form, store, cache, admission, companions)
        self.ownership = Ownership(form.resource)
        self._projectors = {
            part.name: Projector(form.resource, part, part.projection)
            for part in form.resource.subresources
            if part.projection is not None
        }

    def projector(self, subresource: str) -> Projector[T] | None:
        """How a subresource shows objects as another kind; None when it shows the kind itself."""
        return self._projectors.get(subresource)

    def _projector_of(self, change: Change[T]) -> Projector[T] | None:
        return self._projectors.get(change.subresource.name) if change.subresource else None

    async def update(
        self, ctx: RequestContext, namespace: str, name: str, obj: Any, subresource: str
    ) -> View[T]:
        """Store an object in place of the one that is there.

        Raises StatusError 400 (names differ), 404, 409 (changed meanwhile, other UID), 422, and
        whatever admission refuses with.
        """
        match_namespace(self.resource, obj, namespace)
        match_name(obj, name)
        unique_owners(ctx, obj, admitted=False)
        part = self.part(subresource)
        projector = self.projector(subresource)
        copy = projector.copy if projector else self.form.copy
        change = Change(namespace, name, lambda old: copy(obj), part, obj.metadata.uid)
        return await self.apply(ctx, change)

    def part(self, subresource: str) -> Subresource[T] | None:
        """The subresource of this name; None for the object itself. Raises StatusError 404."""
        if not subresource:
            return None
        part = self.resource.subresource(subresource)
        if part is None:
            raise StatusError(404, "NotFound", "the server could not find the requested resource")
        return part

    async def apply(self, ctx: RequestContext, change: Change[T]) -> View[T]:
        """Make a change; tried again whenever another write came between."""
        key = object_key(self.resource, change.namespace, change.name)
        if change.judged_as is not None:
            await self.admission.mutate(ctx, "CREATE", change.judged_as, None)
            await self.admission.validate(ctx, "CREATE", change.judged_as, None)

        async def attempt(view: View[T] | None) -> View[T]:
            if view is None:
                return await self._create(ctx, key, change)
            return await self._replace(ctx, key, change, view)

        with translated(self.group_resource, "update", change.name):
            return await self.swap(key, attempt)

    async def _create(self, ctx: RequestContext, key: str, change: Change[T]) -> View[T]:
        if projector := self._projector_of(change):
            raise not_found(projector.group_resource, change.name)
        if change.subresource or not (change.creates or self.resource.create_on_update):
            raise not_found(self.group_resource, change.name)
        if change.uid:
            raise precondition_failed(self.group_resource, change.name, key, "UID", change.uid, "")
        obj = change.make(None)
        wipe(obj)
        await self._creator.prepare(ctx, obj, owned=not change.tracked)
        view = await self._creator.insert(ctx, key, obj)
        ctx.created = True
        return view

    async def _replace(
        self, ctx: RequestContext, key: str, change: Change[T], view: View[T]
    ) -> View[T]:
        ctx.created = False
        old = view.peek()
        if change.uid and change.uid != old.metadata.uid:
            raise precondition_failed(
                self.group_resource, change.name, key, "UID", change.uid, old.metadata.uid
            )
        new = await self._made(ctx, change, old, view)
        unique_owners(ctx, new, admitted=True)
        if errors := self._errors(change, new, old):
            raise invalid(self.resource.group_kind, new.metadata.name, errors)
        for text in self.resource.warnings(new, old):
            ctx.tell(text)
        await self._admit(ctx, change, new, old)
        value = self.form.encode(new)
        if self.resource.removed_by_update(new, old):
            return await self._remove(ctx, key, value, view)
        if value == view.stored or self._is_later_only(new, old, view):
            return view
        if ctx.dry_run:
            return self.form.view(key, value, view.revision)
        beside = self.companions.beside(ctx, view, new, old)
        revision = await self.store.update(key, value, expected=view.revision, beside=beside)
        return self.form.view(key, value, revision)

    async def _made(self, ctx: RequestContext, change: Change[T], old: T, view: View[T]) -> T:
        """The new object as admission wants it."""
        if projector := self._projector_of(change):
            new = await projector.changed(
                ctx, self.admission, change.make, view, tracked=change.tracked
            )
            return self._merged(ctx, change, new, view)
        new = self._merged(ctx, change, change.make(view.decode()), view)
        if change.judged_as is not None:
            return new
        if await self.admission.mutate(ctx, "UPDATE", new, old):
            return self._settled(ctx, change, new, view, tracked=False)
        return new

    async def _admit(self, ctx: RequestContext, change: Change[T], new: T, old: T) -> None:
        """Let admission judge the change, in the form in which it is shown it."""
        if projector := self._projector_of(change):
            await projector.validate(ctx, self.admission, new, old)
        elif change.judged_as is None:
            await self.admission.validate(ctx, "UPDATE", new, old)

    def _is_later_only(self, new: T, old: T, view: View[T]) -> bool:
        """Whether nothing would change but the times of owners: that is not worth a write."""
        entries = old.metadata.managedFields
        if not same_but_for_times(new.metadata.managedFields, entries):
            return False
        said, new.metadata.managedFields = new.metadata.managedFields, entries
        same = self.form.encode(new) == view.stored
        new.metadata.managedFields = said
        return same

    def _merged(self, ctx: RequestContext, change: Change[T], new: T, view: View[T]) -> T:
        """The object to judge: the new one, with what this path may not change carried over."""
        self._check_version(new, change.name, view.revision)
        return self._settled(ctx, change, new, view, tracked=change.tracked)

    def _settled(
        self, ctx: RequestContext, change: Change[T], new: T, view: View[T], *, tracked: bool
    ) -> T:
        """The new object as the kind wants it: once as it came, and again if admission rewrote it.

        The owners of fields are those of the request: what admission sets belongs to nobody.
        """
        # A copy for the hooks: they may move parts of it into the new object, which admission may
        # then change, and neither the cache nor the judges may see that in the old one.
        base = view.decode()
        entries = new.metadata.managedFields
        part = change.subresource
        whole = part is None or part.projection is not None
        if part is not None and not whole:
            version = new.metadata.resourceVersion
            new = part.merge(new, base)
            part.stamp(new, base, ctx.now)
            new.metadata.resourceVersion = version
        self.resource.default(new)
        match_namespace(self.resource, new, change.namespace)
        meta, kept = new.metadata, base.metadata
        meta.resourceVersion = str(view.revision)
        meta.generation = kept.generation
        if whole:
            self.resource.prepare_for_update(new, base, ctx.now)
        if tracked:
            entries = self.ownership.updated(ctx, new, base, part.name if part else "")
        meta = new.metadata
        meta.managedFields = entries
        meta.uid = meta.uid or kept.uid
        meta.creationTimestamp = kept.creationTimestamp or meta.creationTimestamp
        meta.deletionTimestamp = kept.deletionTimestamp or meta.deletionTimestamp
        if meta.deletionGracePeriodSeconds is None:
            meta.deletionGracePeriodSeconds = kept.deletionGracePeriodSeconds
        return new

    def _check_version(self, new: T, name: str, revision: int) -> None:
        """The new object must be made from the present one, or not say from which it was made."""
        version = parse_revision(new.metadata.resourceVersion)
        if version and version != revision:
            raise conflict(self.group_resource, name)
        if not version and not self.resource.unconditional_update:
            where = Path("metadata") / "resourceVersion"
            error = invalid_value(where, 0, "must be specified for an update")
            resource = self.group_resource
            # Upstream names the resource where the kind belongs.
            raise invalid(GroupKind(resource.group, resource.resource), name, [error])

    def _errors(self, change: Change[T], new: T, old: T) -> list[FieldError]:
        resource = self.resource
        free = resource.any_finalizer
        errors = validate_object_meta(
            new.metadata, resource.namespaced, path_segment, any_finalizer=free
        )
        errors += validate_object_meta_update(new.metadata, old.metadata, any_finalizer=free)
        if change.subresource and not change.subresource.projection:
            return errors + change.subresource.validate(new, old)
        return errors + resource.validate_update(new, old)

    async def _remove(self, ctx: RequestContext, key: str, value: bytes, view: View[T]) -> View[T]:
        """The last finalizer has gone: the object is removed, and answered as if it was stored."""
        if not ctx.dry_run:
            beside = self.companions.beside(ctx, view, None)
            try:
                await self.store.delete(key, expected=view.revision, beside=beside)
            except RevisionConflict as overtaken:
                # Somebody else may have removed the last finalizer too: that is no failure.
                if overtaken.current is not None:
                    raise
        return self.form.view(key, value, view.revision)
