"""Reading fields and elements: of maps, lists and optionals.

A message names the key only when the expression says it; a key that was itself read from data
might be a value that must not get out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strongroom.api.cel.comparing import NO_OVERLOAD
from strongroom.api.cel.errors import CelBudgetError, CelError
from strongroom.api.cel.values import NONE, Optional, UInt


def missing_key(name: object) -> CelError:
    """The error of a key that a map has not."""
    return CelError(f"no such key: {name}")


def select(value: Any, name: str) -> Any:
    """``value.name`` of anything but a plain dict. Raises CelError when it has no such field."""
    if isinstance(value, Mapping):
        try:
            return value[name]
        except KeyError:
            raise missing_key(name) from None
    if isinstance(value, Optional):
        return optional_index(value, name)
    raise missing_key(name)


def has_field(value: Any, name: str) -> bool:
    """``has(value.name)``."""
    if isinstance(value, Optional):
        return value.present and has_field(value.value, name)
    return isinstance(value, Mapping) and name in value


def at_index(value: Any, index: Any, *, told: bool) -> Any:
    """``value[index]``; with ``told`` the expression says the index. Raises CelError."""
    if isinstance(value, Optional):
        return optional_index(value, index)
    if isinstance(value, list):
        at = _position(index)
        if 0 <= at < len(value):
            return value[at]
        raise CelError(f"index out of bounds: {at}" if told else "index out of bounds")
    if not isinstance(value, Mapping) or not isinstance(index, (str, int, float)):
        raise CelError(NO_OVERLOAD)
    try:
        return value[index]
    except KeyError:
        raise (missing_key(index) if told else CelError("no such key")) from None


def _position(index: Any) -> int:
    kind = type(index)
    if kind is int or kind is UInt:
        return int(index)
    if kind is float and index.is_integer():
        return int(index)
    raise CelError(NO_OVERLOAD)


def optional_index(value: Any, index: Any) -> Optional:
    """``value[?index]`` and ``value.?index``: an optional, none when there is no such element."""
    if isinstance(value, Optional):
        if not value.present:
            return NONE
        value = value.value
    if isinstance(value, list):
        at = _position(index)
        return Optional(value[at]) if 0 <= at < len(value) else NONE
    if isinstance(value, Mapping):
        return _optional_key(value, index)
    raise CelError(NO_OVERLOAD)


def _optional_key(value: Mapping[Any, Any], index: Any) -> Optional:
    try:
        return Optional(value[index])
    except CelBudgetError:
        raise
    except (KeyError, TypeError):
        return NONE
