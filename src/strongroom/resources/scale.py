"""Scale: how many replicas something has and is to have, as the ``scale`` subresource shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import Path, invalid_value
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Projection, Resource, Subresource

API_PACKAGE = "io.k8s.api.autoscaling.v1"

T = TypeVar("T", bound=Object)


class ScaleSpec(Struct):
    """What is wanted."""

    replicas: Annotated[int, F(1, "How many replicas there are to be.", format="int32")] = 0


class ScaleStatus(Struct):
    """What is there."""

    replicas: Annotated[
        int, F(1, "How many replicas were counted.", format="int32", required=True)
    ] = always(int)
    selector: Annotated[
        str, F(2, "Label selector, in the form of a query parameter, of the replicas.")
    ] = ""


class Scale(Object):
    """A request to change how many replicas something has, and the answer to it.

    It is never stored: it is read from, and written into, the object that is scaled.
    """

    spec: Annotated[ScaleSpec, F(2, "What is wanted.")] = msgspec.field(default_factory=ScaleSpec)
    status: Annotated[ScaleStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=ScaleStatus
    )


class ScaleResource(Resource[Scale]):
    """The rules of a Scale, whatever it scales."""

    def validate(self, obj: Scale) -> list[FieldError]:
        if obj.spec.replicas >= 0:
            return []
        where = Path("spec") / "replicas"
        why = "must be greater than or equal to 0"
        return [invalid_value(where, obj.spec.replicas, why)]


SCALES = ScaleResource(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="scale",
    type=Scale,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Desired",
            lambda scale, now: scale.spec.replicas,
            type="integer",
            description="Replicas that are wanted.",
        ),
        Column(
            "Available",
            lambda scale, now: scale.status.replicas,
            type="integer",
            description="Replicas that are there.",
        ),
        AGE,
    ),
)


def scale_of(obj: Object, *, wanted: int, found: int, selector: str) -> Scale:
    """The Scale of an object: ``wanted`` and ``found`` replicas, and how these are selected."""
    meta = obj.metadata
    return Scale(
        metadata=ObjectMeta(
            name=meta.name,
            namespace=meta.namespace,
            uid=meta.uid,
            resourceVersion=meta.resourceVersion,
            creationTimestamp=meta.creationTimestamp,
        ),
        spec=ScaleSpec(replicas=wanted),
        status=ScaleStatus(replicas=found, selector=selector),
    )


def scale_subresource(
    read: Callable[[T], Scale],
    write: Callable[[T, int], None],
    replicas: tuple[str, ...] = ("spec", "replicas"),
) -> Subresource[T]:
    """The ``scale`` of a kind.

    ``read`` makes the Scale of an object and ``write`` sets how many replicas are wanted, which is
    the field at the path ``replicas``.
    """

    def apply(scale: Any, obj: T) -> T:
        write(obj, scale.spec.replicas)
        return obj

    owned = ((("spec", "replicas"), replicas),)
    return Subresource("scale", projection=Projection(SCALES, read, apply, owned))
