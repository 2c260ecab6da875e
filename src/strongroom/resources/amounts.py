"""Arithmetic on amounts of resources, as quotas and limits are reckoned with.

Amounts are maps of names to quantities as texts. A sum is printed in the family of units of its
first part that is not zero, as upstream's is. Source: ``k8s.io/apiserver/pkg/quota/v1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from strongroom.resources.quantity import parse_quantity, quantity_text

Amounts = Mapping[str, str]


def add(one: Amounts, other: Amounts) -> dict[str, str]:
    """The sum of each resource that either names."""
    total = dict(one)
    for name, amount in other.items():
        total[name] = _sum(total[name], amount) if name in total else amount
    return total


def add_up(many: Iterable[Amounts]) -> dict[str, str]:
    """The sum of all."""
    total: dict[str, str] = {}
    for amounts in many:
        total = add(total, amounts)
    return total


def largest(one: Amounts, other: Amounts) -> dict[str, str]:
    """The greater amount of each resource that either names."""
    result = dict(one)
    for name, amount in other.items():
        if name not in result or parse_quantity(amount) > parse_quantity(result[name]):
            result[name] = amount
    return result


def increase(new: Amounts, old: Amounts) -> dict[str, str]:
    """By how much each resource has grown; what has shrunk counts as nothing."""
    result = {}
    for name in {**new, **old}:
        grown = _value(new, name) - _value(old, name)
        result[name] = quantity_text(grown, new.get(name, "")) if grown > 0 else "0"
    return result


def only(amounts: Amounts, names: Iterable[str]) -> dict[str, str]:
    """The amounts of some resources."""
    wanted = set(names)
    return {name: amount for name, amount in amounts.items() if name in wanted}


def without_zeros(amounts: Amounts) -> dict[str, str]:
    """The amounts that are something."""
    return {name: amount for name, amount in amounts.items() if parse_quantity(amount)}


def above(amounts: Amounts, bounds: Amounts) -> list[str]:
    """The resources of which there is more than their bound."""
    return [
        name
        for name, amount in amounts.items()
        if name in bounds and parse_quantity(amount) > parse_quantity(bounds[name])
    ]


def negative(amounts: Amounts) -> list[str]:
    """The resources of which there is less than nothing."""
    return sorted(name for name, amount in amounts.items() if parse_quantity(amount) < 0)


def printed(amounts: Amounts) -> str:
    """``cpu=1,memory=1Gi``, in the order of the names."""
    return ",".join(f"{name}={amount}" for name, amount in sorted(amounts.items()))


def _sum(one: str, other: str) -> str:
    first, second = parse_quantity(one), parse_quantity(other)
    return quantity_text(first + second, one if first else other)


def _value(amounts: Amounts, name: str) -> Decimal:
    return parse_quantity(amounts[name]) if name in amounts else Decimal(0)
