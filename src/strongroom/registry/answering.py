"""Kinds that are questions: an object comes in, is answered, and nothing is stored.

Such an object goes the way of a create as far as it can: defaults, owners of its fields, admission.
Only then is it answered, since admission may change and refuse it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from strongroom.api.errors import invalid
from strongroom.api.meta import Object
from strongroom.registry.admission import Admission, AdmissionPlugin
from strongroom.registry.context import RequestContext
from strongroom.registry.ownership import Ownership
from strongroom.registry.view import Form, View
from strongroom.registry.writing import match_namespace
from strongroom.resources.resource import Resource

T = TypeVar("T", bound=Object)

Answer = Callable[[RequestContext, T], Awaitable[T]]
"""Fills in the answer, and may change what it is given. Raises StatusError."""


class AnsweringRegistry(Generic[T]):
    """Answers objects of one kind. Has ``resource`` and ``create`` of a Registry, and no more."""

    def __init__(
        self, resource: Resource[T], admission: Sequence[AdmissionPlugin], answer: Answer[T]
    ) -> None:
        self.resource = resource
        self._form = Form(resource)
        self._admission = Admission(admission, resource)
        self._ownership: Ownership[T] = Ownership(resource)
        self._answer = answer

    async def create(self, ctx: RequestContext, namespace: str, obj: T) -> View[T]:
        """The object with its answer. A dry run is answered like any other: nothing is stored.

        Raises StatusError 400 (another namespace), 422, and whatever admission or the answer raise.
        """
        resource = self.resource
        match_namespace(resource, obj, namespace)
        resource.default(obj)
        resource.prepare_for_create(obj, ctx.now)
        self._ownership.created(ctx, obj)
        await self._admission.mutate(ctx, "CREATE", obj, None)
        if errors := resource.validate(obj):
            raise invalid(resource.group_kind, obj.metadata.name, errors)
        await self._admission.validate(ctx, "CREATE", obj, None)
        answered = await self._answer(ctx, obj)
        meta = answered.metadata
        return self._form.unstored(answered, meta.namespace, meta.name, 0)
