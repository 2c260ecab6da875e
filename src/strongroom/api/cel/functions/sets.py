"""Lists taken as sets: ``sets.contains sets.equivalent sets.intersects``."""

from __future__ import annotations

from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import contains
from strongroom.api.cel.overloads import function


def _contains(budget: Budget, values: list[Any], others: list[Any]) -> bool:
    budget.spend(len(values) * len(others) * 0.1)
    return all(contains(values, other, budget) for other in others)


def _equivalent(budget: Budget, values: list[Any], others: list[Any]) -> bool:
    return _contains(budget, values, others) and _contains(budget, others, values)


def _intersects(budget: Budget, values: list[Any], others: list[Any]) -> bool:
    budget.spend(len(values) * len(others) * 0.1)
    return any(contains(values, other, budget) for other in others)


FUNCTIONS = (
    function("sets.contains", "list<dyn> list<dyn> -> bool", _contains, budgeted=True),
    function("sets.equivalent", "list<dyn> list<dyn> -> bool", _equivalent, budgeted=True),
    function("sets.intersects", "list<dyn> list<dyn> -> bool", _intersects, budgeted=True),
)
