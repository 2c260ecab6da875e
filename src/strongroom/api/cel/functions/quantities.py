"""``quantity()``: amounts as Kubernetes writes them.

Source: ``k8s.io/apiserver/pkg/cel/library/quantity.go``.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Context, Decimal
from typing import Any

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import function, method
from strongroom.api.cel.values import INT_MAX, INT_MIN, Opaque

_FORM = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,9}))?\Z", re.ASCII
)
_SUFFIXES = {
    **{
        suffix: Decimal(1000) ** power
        for power, suffix in enumerate(("", "k", "M", "G", "T", "P", "E"))
    },
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
}
_NANO = Decimal("1e-9")
_LARGEST = Decimal(INT_MAX)
_EXACT = Context(prec=200)


class Quantity(Opaque):
    """An exact amount."""

    __slots__ = ("amount",)
    type_name = "kubernetes.Quantity"

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount

    def equals(self, other: Any) -> bool:
        """Whether the amounts are equal, however they are written."""
        return bool(self.amount == other.amount)


def _parse(text: str) -> Decimal | None:
    """The amount; None for a text that is none. More than 64 bits are cut, below a nano rounded."""
    found = _FORM.match(text) if len(text) <= 256 else None
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    power = int(exponent or 0)
    if abs(power) > 400:
        return None
    scale = Decimal(10) ** power if exponent else _SUFFIXES[suffix or ""]
    amount = _EXACT.multiply(Decimal(number), scale)
    if abs(amount) > _LARGEST:
        return _LARGEST.copy_sign(amount)
    return amount.quantize(_NANO, ROUND_UP, _EXACT) if amount % _NANO else amount


def _quantity(text: str) -> Quantity:
    amount = _parse(text)
    if amount is None:
        raise CelError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return Quantity(amount)


def _is_integer(quantity: Quantity) -> bool:
    amount = quantity.amount
    return amount == amount.to_integral_value() and INT_MIN <= amount <= INT_MAX


def _as_integer(quantity: Quantity) -> int:
    if not _is_integer(quantity):
        raise CelError("cannot convert value to integer")
    return int(quantity.amount)


def _compare(a: Quantity, b: Quantity) -> int:
    return (a.amount > b.amount) - (a.amount < b.amount)


def _sign(quantity: Quantity) -> int:
    return (quantity.amount > 0) - (quantity.amount < 0)


def _add(a: Quantity, b: Quantity | int) -> Quantity:
    return Quantity(_EXACT.add(a.amount, b.amount if isinstance(b, Quantity) else Decimal(b)))


def _subtract(a: Quantity, b: Quantity | int) -> Quantity:
    return Quantity(_EXACT.subtract(a.amount, b.amount if isinstance(b, Quantity) else Decimal(b)))


_Q = Quantity.type_name

FUNCTIONS = (
    function("quantity", f"string -> {_Q}", _quantity),
    function("isQuantity", "string -> bool", lambda text: _parse(text) is not None),
    method("sign", f"{_Q} -> int", _sign),
    method("isGreaterThan", f"{_Q} {_Q} -> bool", lambda a, b: a.amount > b.amount),
    method("isLessThan", f"{_Q} {_Q} -> bool", lambda a, b: a.amount < b.amount),
    method("compareTo", f"{_Q} {_Q} -> int", _compare),
    method("asApproximateFloat", f"{_Q} -> double", lambda quantity: float(quantity.amount)),
    method("asInteger", f"{_Q} -> int", _as_integer),
    method("isInteger", f"{_Q} -> bool", _is_integer),
    method("add", f"{_Q} {_Q} -> {_Q}", _add),
    method("add", f"{_Q} int -> {_Q}", _add),
    method("sub", f"{_Q} {_Q} -> {_Q}", _subtract),
    method("sub", f"{_Q} int -> {_Q}", _subtract),
)
