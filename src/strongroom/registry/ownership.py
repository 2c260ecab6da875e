"""Owners of fields, kept on every write (``k8s.io/apimachinery/pkg/util/managedfields``).

Creates, updates and patches are compared with what was there before; an apply is merged here.
"""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from strongroom.api import codec
from strongroom.api.apply import owners as owning
from strongroom.api.apply.applying import Applied, adopted, apply
from strongroom.api.apply.configuration import problems
from strongroom.api.apply.conflicts import Conflicts
from strongroom.api.apply.fieldset import Fields, FieldsError
from strongroom.api.apply.last_applied import (
    KUBECTL,
    beyond_masked,
    brought_up_to_date,
    untouched,
)
from strongroom.api.apply.owners import Owners
from strongroom.api.apply.shape import Shape, shape_of
from strongroom.api.apply.tracking import Terms, ownable, track
from strongroom.api.custom import CustomObject, view_tree
from strongroom.api.errors import StatusError, bad_request, conflict
from strongroom.api.meta import ManagedFieldsEntry, Object
from strongroom.api.times import format_time
from strongroom.registry.context import RequestContext
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)
Tree = dict[str, Any]
Entries = list[ManagedFieldsEntry]

_STATUS: Fields = {"f:status": {}}
_NOT_STATUS: Fields = {
    "f:spec": {},
    "f:metadata": {"f:deletionTimestamp": {}, "f:ownerReferences": {}},
}


class Ownership(Generic[T]):
    """Who owns what in objects of one kind."""

    def __init__(self, resource: Resource[T]) -> None:
        self._resource = resource
        self._ignored: Fields = _STATUS if resource.subresource("status") else {}

    # Of a kind that nobody writes, neither is ever needed.
    @cached_property
    def _shape(self) -> Shape:
        return shape_of(self._resource.type)

    @cached_property
    def _empty(self) -> Tree:
        return codec.to_tree(self._resource.type())

    def created(self, ctx: RequestContext, obj: T) -> None:
        """Give a new object its owner, unless it says owners itself."""
        said = obj.metadata.managedFields
        owners = {} if owning.is_reset(said) else _understood(said)
        # The server gives a new namespace its spec.
        finalized = self._resource.subresource("finalize") is not None
        ignored = {**self._ignored, "f:spec": {}} if finalized else self._ignored
        obj.metadata.managedFields = None
        terms = self._terms(ctx, ignored)
        # An object that cannot have owners (a list item has no key) cannot be applied to either.
        with contextlib.suppress(FieldsError):
            tree = _tree(obj) if owners else ownable(_tree(obj))
            entries = self._tracked(ctx, terms, self._empty, tree, owners, "")
            obj.metadata.managedFields = entries

    def updated(self, ctx: RequestContext, new: T, old: T, subresource: str) -> Entries | None:
        """The entries of an object after a change. ``new`` says those that the request says."""
        said, stored = new.metadata.managedFields, old.metadata.managedFields
        owners: Owners = {}
        if subresource or not owning.is_reset(said):
            owners = ({} if subresource else _understood(said)) or _understood(stored)
        if not owners:
            # What has no owners gets none before the first apply.
            return None
        new.metadata.managedFields = old.metadata.managedFields = None
        try:
            terms = self._terms(ctx, self._ignored_by(subresource))
            return self._tracked(ctx, terms, _tree(old), _tree(new), owners, subresource)
        except FieldsError:
            return stored
        finally:
            old.metadata.managedFields = stored

    def applied(
        self, ctx: RequestContext, live: T | None, config: Tree, subresource: str, *, force: bool
    ) -> T:
        """The object that an apply makes, with its owners. ``live`` may be used up.

        Raises StatusError 400 (not this kind, owners in the configuration), 409 (others own what it
        would change), 500 (it does not fit the type, which is how upstream answers it).
        """
        self._check(config, live)
        owners: Owners = {}
        tree = self._empty
        if live is not None:
            owners = _decoded(live.metadata.managedFields or [])
            live.metadata.managedFields = None
            tree = _tree(live)
        terms = self._terms(ctx, self._ignored_by(subresource))
        try:
            owners = adopted(terms, tree, self._empty, owners, subresource)
            done = self._apply(ctx, terms, tree, config, owners, subresource, force=force)
        except Conflicts as conflicts:
            raise conflicts.status() from None
        except FieldsError as error:
            raise StatusError(500, "", f"failed to merge config: {error}") from None
        if ctx.field_manager == KUBECTL:
            done = Applied(brought_up_to_date(done.tree, config), done.owners)
        obj = codec.from_tree(done.tree, self._resource.type)
        obj.metadata.managedFields = owning.encode(done.owners) or None
        return obj

    def _apply(
        self,
        ctx: RequestContext,
        terms: Terms,
        live: Tree,
        config: Tree,
        owners: Owners,
        subresource: str,
        *,
        force: bool,
    ) -> Applied:
        manager = owning.applier(ctx.field_manager, subresource)
        try:
            return apply(terms, live, config, owners, manager, force=force)
        except Conflicts as conflicts:
            if ctx.field_manager != KUBECTL:
                raise
            left = conflicts.beyond(untouched(live, self._shape, terms.version))
            if left := left and beyond_masked(left, live, owners):
                raise Conflicts(left) from None
        # All conflicts are with what kubectl applied itself before it let the server do it.
        return apply(terms, live, config, owners, manager, force=True)

    def _check(self, config: Tree, live: T | None) -> None:
        resource = self._resource
        version, kind = config.get("apiVersion"), config.get("kind")
        if (version, kind) != (resource.api_version, resource.kind):
            raise bad_request(f"invalid object type: {_type_text(version, kind)}")
        meta = config.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        if meta.get("managedFields") is not None:
            raise bad_request("metadata.managedFields must be nil")
        if text := problems(config, self._shape):
            where = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"
            what = f"{where}; {_type_text(version, kind)}"
            # Upstream answers 500 here; it is the client's mistake, and clients retry on 500.
            raise bad_request(f"failed to create typed patch object ({what}): {text}")
        if live is None and (uid := meta.get("uid")):
            why = (
                f"uid mismatch: the provided object specified uid {uid}, "
                "and no existing object was found"
            )
            raise conflict(resource.group_resource, str(meta.get("name") or ""), why)

    def _tracked(
        self,
        ctx: RequestContext,
        terms: Terms,
        old: Tree,
        new: Tree,
        owners: Owners,
        subresource: str,
    ) -> Entries | None:
        manager = owning.updater(ctx.field_manager, terms.version, subresource)
        return owning.encode(track(terms, old, new, owners, manager)) or None

    def _terms(self, ctx: RequestContext, ignored: Fields) -> Terms:
        return Terms(self._shape, self._resource.api_version, format_time(ctx.now), ignored)

    def _ignored_by(self, subresource: str) -> Fields:
        return _NOT_STATUS if subresource == "status" else self._ignored


def same_but_for_times(new: Entries | None, old: Entries | None) -> bool:
    """Whether two lists of entries differ, but in their times only."""
    if not new or not old or len(new) != len(old) or new == old:
        return False
    return all(msgspec.structs.replace(a, time=b.time) == b for a, b in zip(new, old, strict=True))


def _tree(obj: Object) -> Tree:
    if isinstance(obj, CustomObject):
        return view_tree(obj)
    tree: Tree = msgspec.to_builtins(obj)
    return tree


def _understood(entries: Entries | None) -> Owners:
    """The owners that entries tell of; none when they make no sense."""
    try:
        return owning.decode(entries or [])
    except FieldsError:
        return {}


def _decoded(entries: Entries) -> Owners:
    try:
        return owning.decode(entries)
    except FieldsError as error:
        raise StatusError(500, "", f"failed to decode managed fields: {error}") from None


def _type_text(version: Any, kind: Any) -> str:
    """A type as Go prints it; only what looks like one gets into a message."""
    version = version if isinstance(version, str) else ""
    group, _, name = version.rpartition("/")
    return f"{group[:253]}/{name[:253]}, Kind={kind[:253] if isinstance(kind, str) else ''}"
