"""Delete and deletecollection (``registry/rest/delete.go``, ``.../generic/registry/store.go``)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from strongroom.api.errors import (
    GroupKind,
    GroupResource,
    StatusError,
    conflict,
    invalid,
    not_found,
)
from strongroom.api.meta import DeleteOptions, Object, ObjectMeta
from strongroom.api.times import format_time, parse_time
from strongroom.api.validation import validate_delete_options
from strongroom.registry.context import RequestContext
from strongroom.registry.errors import translated
from strongroom.registry.keys import object_key
from strongroom.registry.view import Undecodable, View
from strongroom.registry.writing import Writer
from strongroom.storage.errors import Undecryptable

T = TypeVar("T", bound=Object)

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"

OPTIONS_KIND = GroupKind("meta.k8s.io", "DeleteOptions")
_AT_ONCE = 16


class Deleter(Writer[T]):
    """Removes objects, or marks them for those who must act first."""

    async def delete(
        self, ctx: RequestContext, namespace: str, name: str, options: DeleteOptions
    ) -> tuple[View[T], bool]:
        """Delete one object: its last state, and whether it is gone.

        Raises StatusError 404, 409 (a precondition does not hold), 422 (options), and whatever
        admission refuses with.
        """
        check_options(options)
        for text in self.resource.deletion_warnings(options):
            ctx.tell(text)
        key = object_key(self.resource, namespace, name)

        async def attempt(view: View[T] | None) -> tuple[View[T], bool]:
            if view is None:
                raise not_found(self.group_resource, name)
            return await self._delete(ctx, key, view, msgspec.structs.replace(options))

        with translated(self.group_resource, "delete", name):
            return await self.swap(key, attempt)

    async def delete_unreadable(self, ctx: RequestContext, namespace: str, name: str) -> None:
        """Remove an object that cannot be read from storage, without a look at anything in it.

        Finalizers, preconditions and admission are passed over, since nobody can tell what they
        would say (``registry/corrupt_obj_deleter.go``). Raises StatusError 404, and 409 for an
        object that can be read.
        """
        key = object_key(self.resource, namespace, name)
        with translated(self.group_resource, "delete", name):
            revision = await self._unreadable(key, name)
            if not ctx.dry_run:
                await self.store.delete(key, expected=revision)

    async def _unreadable(self, key: str, name: str) -> int:
        """The revision of a value that cannot be read."""
        try:
            stored = await self.store.get(key)
        except Undecryptable as error:
            return error.mod_revision
        if stored is None:
            raise not_found(self.group_resource, name)
        try:
            self.form.project(stored)
        except Undecodable:
            return stored.mod_revision
        raise conflict(
            self.group_resource,
            name,
            "the object can be read: delete it without "
            "ignoreStoreReadErrorWithClusterBreakingPotential",
        )

    async def delete_each(
        self, ctx: RequestContext, views: list[View[T]], options: DeleteOptions
    ) -> None:
        """Delete every object of a list; one that is gone already does not matter."""
        check_options(options)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(view: View[T]) -> None:
            async with limit:
                try:
                    await self.delete(ctx, view.namespace, view.name, options)
                except StatusError as error:
                    if error.code != 404:
                        raise

        try:
            async with asyncio.TaskGroup() as group:
                for view in views:
                    group.create_task(one(view))
        except ExceptionGroup as failures:
            # The client can be told of one failure only; the others were like it or followed it.
            raise failures.exceptions[0] from None

    async def _delete(
        self, ctx: RequestContext, key: str, view: View[T], options: DeleteOptions
    ) -> tuple[View[T], bool]:
        obj = view.decode()
        self._check_preconditions(obj, options)
        await self._admit(ctx, view)
        if options.gracePeriodSeconds is not None and options.gracePeriodSeconds < 0:
            options.gracePeriodSeconds = 1
        meta = obj.metadata
        marked, generation = bool(meta.deletionTimestamp), meta.generation
        at_once = self.resource.begin_deletion(obj, options, ctx.now)
        if not marked:
            default = self.resource.dependents
            meta.finalizers = finalizers_for(meta.finalizers, options, default)
        if at_once and not meta.finalizers:
            return await self._remove(ctx, key, view), True
        if at_once:
            _mark(meta, ctx.now)
        if not marked and generation and meta.generation == generation:
            meta.generation += 1
        return await self._store(ctx, key, view, obj), False

    async def _admit(self, ctx: RequestContext, view: View[T]) -> None:
        old = view.peek()
        await self.admission.mutate(ctx, "DELETE", None, old)
        await self.admission.validate(ctx, "DELETE", None, old)

    async def _remove(self, ctx: RequestContext, key: str, view: View[T]) -> View[T]:
        if ctx.dry_run:
            return view
        beside = self.companions.beside(ctx, view, None)
        return view.at(await self.store.delete(key, expected=view.revision, beside=beside))

    async def _store(self, ctx: RequestContext, key: str, view: View[T], obj: T) -> View[T]:
        value = self.form.encode(obj)
        if value == view.stored:
            return view
        if ctx.dry_run:
            return self.form.view(key, value, view.revision)
        revision = await self.store.update(key, value, expected=view.revision)
        return self.form.view(key, value, revision)

    def _check_preconditions(self, obj: T, options: DeleteOptions) -> None:
        wanted, meta = options.preconditions, obj.metadata
        if wanted is None:
            return
        # Upstream names the kind where the resource belongs.
        kind = GroupResource(self.resource.group, self.resource.kind)
        if wanted.uid is not None and wanted.uid != meta.uid:
            raise conflict(
                kind,
                meta.name,
                f"the UID in the precondition ({wanted.uid}) does not match the UID in record "
                f"({meta.uid}). The object might have been deleted and then recreated",
            )
        version = wanted.resourceVersion
        if version is not None and version != meta.resourceVersion:
            raise conflict(
                kind,
                meta.name,
                f"the ResourceVersion in the precondition ({version}) does not match the "
                f"ResourceVersion in record ({meta.resourceVersion}). "
                "The object might have been modified",
            )


def check_options(options: DeleteOptions) -> None:
    """Raises StatusError 422 for options that contradict each other."""
    if errors := validate_delete_options(options):
        raise invalid(OPTIONS_KIND, "", errors)


def finalizers_for(
    present: list[str],
    options: DeleteOptions,
    default: Literal["delete", "orphan", "ignore"] = "delete",
) -> list[str]:
    """The finalizers of an object whose deletion begins, as the propagation policy wants them.

    Without a policy the object's own finalizers say whether its dependents are orphaned or go
    first; without those, its kind's ``default``.
    """
    policy = options.propagationPolicy
    if options.orphanDependents is not None:
        policy = "Orphan" if options.orphanDependents else "Background"
    if policy is None:
        own = next((f for f in present if f in (ORPHAN, FOREGROUND)), "")
        usual = "Orphan" if default == "orphan" else "Background"
        policy = {ORPHAN: "Orphan", FOREGROUND: "Foreground"}.get(own, usual)
    wanted = [f for f in present if f not in (ORPHAN, FOREGROUND)]
    if default == "ignore":
        policy = "Background"
    if policy == "Orphan":
        wanted.append(ORPHAN)
    elif policy == "Foreground":
        wanted.append(FOREGROUND)
    return present if set(wanted) == set(present) else wanted


def _mark(meta: ObjectMeta, now: datetime) -> None:
    """Say that the object goes as soon as its finalizers have been taken off."""
    if not meta.deletionTimestamp or parse_time(meta.deletionTimestamp) > now:
        meta.deletionTimestamp = format_time(now)
    meta.deletionGracePeriodSeconds = 0
