"""Quantities of resources: reading, comparing, and the canonical text that upstream stores.

``0.5`` becomes ``500m``, ``1024Ki`` becomes ``1Mi``: the largest suffix that needs no fraction, of
the family (binary or decimal) in which the quantity was given.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from functools import cache

from strongroom.api.schema import Struct, TypeSchema, schema_of

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"": 0, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_NANO = Decimal("1e-9")
_MILLI = Decimal("1e-3")
_LARGEST = Decimal(2**63 - 1)
"""Upstream takes anything larger for this."""
_MAX_TEXT = 64
"""Longer texts are refused, because their exponents could make numbers of any size."""


def parse_quantity(text: str) -> Decimal:
    """The value of a quantity; raises ValueError when the text is none."""
    match = _FORM.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if not match:
        raise ValueError("not a quantity")
    sign, number, suffix = match.group(1), match.group(2), match.group(3) or ""
    return max(-_LARGEST, min(_LARGEST, _scaled(Decimal(sign + number), suffix)))


def _scaled(value: Decimal, suffix: str) -> Decimal:
    if suffix in _DECIMAL:
        return value.scaleb(_DECIMAL[suffix])
    if suffix in _BINARY:
        return value * Decimal(1024) ** _BINARY[suffix]
    exponent = int(suffix[1:])
    if abs(exponent) > 999:
        raise ValueError("not a quantity")
    return value.scaleb(exponent)


def is_quantity(text: str) -> bool:
    """Whether the text can be read as a quantity."""
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def canonical_quantity(text: str, *, smallest: Decimal = _NANO) -> str:
    """The text that upstream would store, rounded up to a multiple of ``smallest``.

    Raises ValueError when the text is no quantity.
    """
    value = parse_quantity(text)
    value = (value / smallest).to_integral_value(rounding=ROUND_UP) * smallest
    if text.endswith("i") and (value <= -1024 or value >= 1024):
        return _binary_text(value)
    if text[-1] not in "eE" and ("e" in text or "E" in text):
        return _exponent_text(value)
    return _decimal_text(value)


def quantity_text(value: Decimal, like: str) -> str:
    """The canonical text of an amount, in the family of units of another quantity's text."""
    if like.endswith("i") and (value <= -1024 or value >= 1024):
        return _binary_text(value)
    return _decimal_text(value)


def _binary_text(value: Decimal) -> str:
    whole = int(value.to_integral_value(rounding=ROUND_UP))
    suffix = ""
    for name in list(_BINARY)[1:]:
        if whole % 1024:
            break
        whole, suffix = whole // 1024, name
    return f"{whole}{suffix}"


def _decimal_text(value: Decimal) -> str:
    number, power = _thousands(value, 18)
    suffix = next(name for name, exponent in _DECIMAL.items() if exponent == power)
    return f"{number}{suffix}"


def _exponent_text(value: Decimal) -> str:
    number, power = _thousands(value, 999)
    return f"{number}e{power}" if power else f"{number}"


def _thousands(value: Decimal, limit: int) -> tuple[int, int]:
    """The value as a whole number times the largest power of a thousand that allows it."""
    number, power = int(value.scaleb(9)), -9
    while number and number % 1000 == 0 and power < limit:
        number, power = number // 1000, power + 3
    return number, power if number else 0


def canonicalize_quantities(obj: Struct) -> None:
    """Rewrite every quantity within ``obj`` canonically; texts that are none stay as they are.

    Amounts of resources are rounded up to thousandths, as upstream rounds them.
    """
    for name, kind in _places(type(obj)):
        value = getattr(obj, name)
        if not value:
            continue
        if kind == "text":
            setattr(obj, name, _canonical_or_same(value, _NANO))
        elif kind == "amounts":
            setattr(obj, name, {k: _canonical_or_same(v, _MILLI) for k, v in value.items()})
        elif kind == "struct":
            canonicalize_quantities(value)
        else:
            for item in value:
                canonicalize_quantities(item)


def _canonical_or_same(text: str, smallest: Decimal) -> str:
    try:
        return canonical_quantity(text, smallest=smallest)
    except ValueError:
        return text


@cache
def _places(struct: type[Struct]) -> tuple[tuple[str, str], ...]:
    """The attributes of a Struct at or below which there are quantities, and how to go there."""
    places = []
    for field in schema_of(struct).fields.values():
        if field.type.format == "quantity":
            places.append((field.attribute, "text"))
        elif field.type.kind == "map" and _is(field.type.items, "quantity"):
            places.append((field.attribute, "amounts"))
        elif field.type.struct and _places(field.type.struct):
            places.append((field.attribute, "struct"))
        elif field.type.items and field.type.items.struct and _places(field.type.items.struct):
            places.append((field.attribute, "list"))
    return tuple(places)


def _is(schema: TypeSchema | None, format_: str) -> bool:
    return schema is not None and schema.format == format_
