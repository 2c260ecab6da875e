"""Values that may not be there. The checker knows all of these but ``unwrap``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from strongroom.api.cel.comparing import NO_OVERLOAD
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import builtin, function, method
from strongroom.api.cel.values import NONE, Optional


def _is_zero(value: Any) -> bool:
    if isinstance(value, (bool, int, float, str, bytes, list, Mapping, timedelta)):
        return not value
    return value is None


def _of_non_zero(value: Any) -> Optional:
    return NONE if _is_zero(value) else Optional(value)


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise CelError("optional.none() dereference")
    return optional.value


def _unwrap(values: list[Any]) -> list[Any]:
    if not all(isinstance(value, Optional) for value in values):
        raise CelError(NO_OVERLOAD)
    return [value.value for value in values if value.present]


FUNCTIONS = (
    builtin("optional.of", "dyn -> optional_type", Optional),
    builtin("optional.ofNonZeroValue", "dyn -> optional_type", _of_non_zero),
    builtin("optional.none", "-> optional_type", lambda: NONE),
    builtin("hasValue", "optional_type -> bool", lambda optional: optional.present),
    builtin("value", "optional_type -> dyn", _value),
    builtin(
        "or", "optional_type optional_type -> optional_type", lambda a, b: a if a.present else b
    ),
    builtin("orValue", "optional_type dyn -> dyn", lambda a, b: a.value if a.present else b),
    function("optional.unwrap", "list<dyn> -> list<dyn>", _unwrap),
    method("unwrapOpt", "list<dyn> -> list<dyn>", _unwrap),
)
