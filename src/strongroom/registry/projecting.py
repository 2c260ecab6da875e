"""Subresources that show an object as one of another kind (``registry/apps/deployment/storage``).

A ``scale`` is read from its object, changed, and written into the object, inside the loop that
compares and swaps. What the other kind's rules and admission say of it is asked here; the changed
object then goes the way of any update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from strongroom.api.apply import owners as owning
from strongroom.api.apply.fieldset import FieldsError
from strongroom.api.apply.projected import carried_back, shown_owners
from strongroom.api.errors import GroupResource, invalid
from strongroom.api.meta import ManagedFieldsEntry, Object
from strongroom.registry.admission import Admission
from strongroom.registry.context import RequestContext
from strongroom.registry.ownership import Ownership
from strongroom.registry.view import Form, View
from strongroom.resources.resource import Projection, Resource, Subresource

T = TypeVar("T", bound=Object)
Entries = list[ManagedFieldsEntry]


class Projector(Generic[T]):
    """One subresource of a kind that shows another kind."""

    def __init__(
        self, resource: Resource[T], part: Subresource[T], projection: Projection[T]
    ) -> None:
        self._resource = resource
        self._projection = projection
        self.form: Form[Any] = Form(projection.resource)
        self.ownership: Ownership[Any] = Ownership(projection.resource)
        own = resource.group_resource
        self.group_resource = GroupResource(own.group, f"{own.resource}/{part.name}")
        """The subresource as errors name it."""

    def copy(self, shown: Any) -> Any:
        """A deep copy of an object of the other kind."""
        return self.form.copy(shown)

    def shown(self, obj: T) -> Object:
        """What the path shows of an object. Raises StatusError when it cannot."""
        shown = self._projection.read(obj)
        kind = self._projection.resource
        shown.kind, shown.apiVersion = kind.kind, kind.api_version
        return shown

    def view(self, view: View[T]) -> View[Any]:
        """The view of what the path shows."""
        shown = self.shown(view.peek())
        return self.form.unstored(shown, view.namespace, view.name, view.revision)

    async def changed(
        self,
        ctx: RequestContext,
        admission: Admission,
        make: Callable[[Any], Any],
        view: View[T],
        *,
        tracked: bool,
    ) -> T:
        """The object with the change that ``make`` makes to what is shown of it.

        Unless ``tracked``, ``make`` also says who owns what is shown. Raises StatusError 422 when
        the rules of the other kind are broken, and whatever admission refuses with.
        """
        obj, before = view.decode(), self.shown(view.decode())
        entries = obj.metadata.managedFields or []
        if not tracked:
            before.metadata.managedFields = self._shown_entries(entries)
        new = make(self.copy(before))
        new.kind, new.apiVersion = before.kind, before.apiVersion
        await admission.mutate(ctx, "UPDATE", new, before)
        kind = self._projection.resource
        if errors := kind.validate(new):
            raise invalid(kind.group_kind, view.name, errors)
        version, said = new.metadata.resourceVersion, new.metadata.managedFields
        obj = self._projection.write(new, obj)
        obj.metadata.resourceVersion = version
        if not tracked:
            obj.metadata.managedFields = self._kept_entries(entries, said or [])
        return obj

    async def validate(self, ctx: RequestContext, admission: Admission, new: T, old: T) -> None:
        """Let admission judge what is shown of a change."""
        await admission.validate(ctx, "UPDATE", self.shown(new), self.shown(old))

    def _shown_entries(self, entries: Entries) -> Entries | None:
        version = self._projection.resource.api_version
        shown = shown_owners(_understood(entries), self._projection.owned, version)
        return owning.encode(shown) or None

    def _kept_entries(self, entries: Entries, shown: Entries) -> Entries | None:
        kept = carried_back(
            _understood(entries),
            owning.decode(shown),
            self._projection.owned,
            self._resource.api_version,
        )
        return owning.encode(kept) or None


def _understood(entries: Entries) -> owning.Owners:
    """The owners that entries tell of; none when they make no sense, as for any update."""
    try:
        return owning.decode(entries)
    except FieldsError:
        return {}
