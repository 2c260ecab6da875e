"""References to other objects: by name, by kind and name, or to any object or part of one."""

from __future__ import annotations

from typing import Annotated, ClassVar

from strongroom.api.schema import F, Struct, always


class LocalObjectReference(Struct):
    """Names an object of the same namespace, whose kind the context tells."""

    owned_whole: ClassVar[bool] = True

    name: Annotated[str, F(1, "Name of the object.", default="")] = ""


class ObjectReference(Struct):
    """Names any object, or a field of it."""

    owned_whole: ClassVar[bool] = True

    kind: Annotated[str, F(1, "Kind of the object.")] = ""
    namespace: Annotated[str, F(2, "Namespace of the object.")] = ""
    name: Annotated[str, F(3, "Name of the object.")] = ""
    uid: Annotated[str, F(4, "UID of the object.")] = ""
    apiVersion: Annotated[str, F(5, "API version of the object.")] = ""
    resourceVersion: Annotated[str, F(6, "The version of the object that is meant, if any.")] = ""
    fieldPath: Annotated[
        str, F(7, "The part of the object that is meant, such as `spec.containers{name}`.")
    ] = ""


class TypedLocalObjectReference(Struct):
    """Names an object of the same namespace by group, kind and name."""

    owned_whole: ClassVar[bool] = True

    apiGroup: Annotated[str | None, F(1, "API group of the object; unset means core.")] = None
    kind: Annotated[str, F(2, "Kind of the object.", required=True)] = always(str)
    name: Annotated[str, F(3, "Name of the object.", required=True)] = always(str)


class TypedObjectReference(Struct):
    """Names an object by group, kind, name and possibly namespace."""

    apiGroup: Annotated[str | None, F(1, "API group of the object; unset means core.")] = None
    kind: Annotated[str, F(2, "Kind of the object.", required=True)] = always(str)
    name: Annotated[str, F(3, "Name of the object.", required=True)] = always(str)
    namespace: Annotated[
        str | None, F(4, "Namespace of the object; another than one's own must be granted there.")
    ] = None
