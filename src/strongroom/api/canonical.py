"""Whether a decoded object is in the form in which it would be written.

msgspec does not know the bounds of Go's integers nor the form of its times. A check of a type is
compiled once into the few fields that matter, so that the usual object costs a microsecond or two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)

Check = Callable[[Any], bool]


def is_canonical(obj: Struct) -> bool:
    """False when a number is out of bounds or a time is not in its written form."""
    for attribute, check in _checks(type(obj)):
        value = getattr(obj, attribute)
        if value and not check(value):
            return False
    return True


@cache
def _checks(struct: type[Struct]) -> tuple[tuple[str, Check], ...]:
    fields = schema_of(struct).fields.values()
    checks = ((field.attribute, _field_check(field)) for field in fields)
    return tuple((name, check) for name, check in checks if check is not None)


def _field_check(field: FieldSchema) -> Check | None:
    if field.type.format == "date-time":
        pattern = _MICRO_TIME if field.facts.micro else _TIME
        return lambda text: _is_time(pattern, text)
    return _type_check(field.type)


def _type_check(type_: TypeSchema) -> Check | None:
    if type_.kind == "integer" or type_.int_or_string:
        bound = 1 << (31 if type_.int_or_string or type_.format == "int32" else 63)
        return lambda number: isinstance(number, str) or -bound <= number < bound
    if type_.kind == "struct" and type_.struct is not None:
        # A type may contain itself: whether it matters is found out when it is met.
        return is_canonical
    if type_.format == "date-time" and type_.kind == "string":
        return lambda text: not text or _is_time(_TIME, text)
    if type_.items is None or (check := _type_check(type_.items)) is None:
        return None
    if type_.kind == "array":
        return lambda items: all(check(item) for item in items)
    return lambda items: all(check(item) for item in items.values())


def _is_time(pattern: re.Pattern[str], text: str) -> bool:
    if not pattern.fullmatch(text):
        return False
    # The digits may still be no date; the slow path finds that out.
    return text[5:7] <= "12" and text[8:10] <= "28" and text[11:13] <= "23" and text[14:16] <= "59"
