"""The scale of custom kinds: numbers at paths that the definition names."""

from __future__ import annotations

from typing import Any

from strongroom.api.custom import CustomObject
from strongroom.api.errors import FieldError, StatusError, bad_request, internal_error
from strongroom.api.gotext import quote
from strongroom.api.validation import Path, invalid_value
from strongroom.resources.crd_object import CustomResourceSubresourceScale
from strongroom.resources.resource import Subresource
from strongroom.resources.scale import Scale, scale_of, scale_subresource

_UNSET = -(1 << 31)
"""The number of replicas that stands for none: upstream's, seen by those who patch a scale."""
_MOST = (1 << 31) - 1


def scale_part(scale: CustomResourceSubresourceScale) -> Subresource[CustomObject]:
    """The ``scale`` subresource."""
    wanted, found = _parts(scale.specReplicasPath), _parts(scale.statusReplicasPath)
    selector = _parts(scale.labelSelectorPath) if scale.labelSelectorPath else ()

    def read(obj: CustomObject) -> Scale:
        number, there = _number(obj, wanted)
        if not there:
            raise internal_error(f"the spec replicas field {_named(scale)} does not exist")
        chosen = _value(obj, selector) if selector else None
        text = chosen if isinstance(chosen, str) else ""
        return scale_of(obj, wanted=number, found=_number(obj, found)[0], selector=text)

    def write(obj: CustomObject, replicas: int) -> None:
        if replicas == _UNSET:
            raise bad_request(f"the spec replicas field {_named(scale)} cannot be empty")
        here = obj.content
        for part in wanted[:-1]:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                raise bad_request(f"the spec replicas field {_named(scale)} cannot be set")
        here[wanted[-1]] = replicas

    return scale_subresource(read, write, wanted)


def wanted_errors(
    obj: CustomObject, scale: CustomResourceSubresourceScale | None
) -> list[FieldError]:
    """What is wrong with the wanted number of replicas."""
    return [] if scale is None else _number_errors(obj, scale.specReplicasPath)


def status_errors(
    obj: CustomObject, scale: CustomResourceSubresourceScale | None
) -> list[FieldError]:
    """What is wrong with the present number of replicas and their selector."""
    if scale is None:
        return []
    errors = _number_errors(obj, scale.statusReplicasPath)
    path = scale.labelSelectorPath
    if path:
        value = _value(obj, _parts(path))
        if value is not None and not isinstance(value, str):
            text = f"{path} accessor error: value is of the wrong type, expected string"
            errors.append(invalid_value(Path(path), "", text))
    return errors


def _number_errors(obj: CustomObject, path: str) -> list[FieldError]:
    value = _value(obj, _parts(path))
    where = Path(path)
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int):
        text = f"{path} accessor error: value is of the wrong type, expected int64"
        return [invalid_value(where, 0, text)]
    if value < 0:
        return [invalid_value(where, value, "should be a non-negative integer")]
    if value > _MOST:
        return [invalid_value(where, value, f"should be less than or equal to {_MOST}")]
    return []


def _number(obj: CustomObject, parts: tuple[str, ...]) -> tuple[int, bool]:
    """The number at a path, and whether there is one. Raises StatusError for what is none."""
    value = _value(obj, parts)
    if value is None:
        return 0, False
    if isinstance(value, bool) or not isinstance(value, int):
        raise _no_number(parts)
    return value, True


def _no_number(parts: tuple[str, ...]) -> StatusError:
    path = "." + ".".join(parts)
    return internal_error(f"{path} accessor error: the value is no integer")


def _value(obj: CustomObject, parts: tuple[str, ...]) -> Any:
    here: Any = obj.content
    for part in parts:
        if not isinstance(here, dict):
            return None
        here = here.get(part)
    return here


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(".").split("."))


def _named(scale: CustomResourceSubresourceScale) -> str:
    return quote(scale.specReplicasPath)
