"""Lists: Kubernetes' own library (``isSorted sum min max indexOf lastIndexOf includes``), and what
cel-go's adds (``slice flatten distinct reverse sort sortBy first last lists.range``), whose names
the checker knows by itself.
"""

from __future__ import annotations

from functools import cmp_to_key, reduce
from itertools import pairwise
from typing import Any

from strongroom.api.cel.arithmetic import add
from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import NO_OVERLOAD, equal, less
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import Overload, builtin, method
from strongroom.api.cel.values import NONE, Optional

_MAX_RANGE = 1_000_000
_SUMMABLE = ("int", "uint", "double", "duration")
_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")


def _is_sorted(values: list[Any]) -> bool:
    return not any(less(after, before) for before, after in pairwise(values))


def _sum(budget: Budget, values: list[Any]) -> Any:
    if not values:
        return 0
    return reduce(lambda a, b: add(a, b, budget), values)


def _least(values: list[Any]) -> Any:
    if not values:
        raise CelError("min called on empty list")
    return reduce(lambda a, b: b if less(b, a) else a, values)


def _greatest(values: list[Any]) -> Any:
    if not values:
        raise CelError("max called on empty list")
    return reduce(lambda a, b: b if less(a, b) else a, values)


def _index_of(budget: Budget, values: list[Any], wanted: Any) -> int:
    for at, value in enumerate(values):
        if equal(value, wanted, budget):
            return at
    return -1


def _last_index_of(budget: Budget, values: list[Any], wanted: Any) -> int:
    for at in range(len(values) - 1, -1, -1):
        if equal(values[at], wanted, budget):
            return at
    return -1


def _includes(budget: Budget, value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return _index_of(budget, value, wanted) >= 0
    return equal(value, wanted, budget)


def _slice(values: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise CelError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise CelError(
            f"cannot slice({start}, {end}), start index must be less than or equal to end index"
        )
    if end > len(values):
        raise CelError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return values[start:end]


def _flatten(budget: Budget, values: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise CelError("level must be non-negative")
    made: list[Any] = []
    for value in values:
        if isinstance(value, list) and depth > 0:
            inner = _flatten(budget, value, depth - 1)
            budget.spend(len(inner))
            made.extend(inner)
        else:
            made.append(value)
    return made


def _distinct(budget: Budget, values: list[Any]) -> list[Any]:
    made: list[Any] = []
    for value in values:
        budget.spend(len(made))
        if not any(equal(value, other, budget) for other in made):
            made.append(value)
    return made


def _order(a: Any, b: Any) -> int:
    return -1 if less(a, b) else 1 if less(b, a) else 0


def _sorted(budget: Budget, values: list[Any]) -> list[Any]:
    return _sort_by_keys(budget, values, values)


def _sort_by_keys(budget: Budget, values: list[Any], keys: list[Any]) -> list[Any]:
    budget.spend(len(values) * max(1, len(values).bit_length()))
    if len({type(key) for key in keys}) > 1:
        raise CelError("list elements must have the same type")
    if keys:
        less(keys[0], keys[0])
    by_key = cmp_to_key(_order)
    ranks = sorted(range(len(values)), key=lambda at: by_key(keys[at]))
    return [values[at] for at in ranks]


def _range(budget: Budget, size: int) -> list[int]:
    if size > _MAX_RANGE:
        raise CelError(NO_OVERLOAD)
    budget.spend(max(0, size))
    return list(range(size))


def _first(values: list[Any]) -> Optional:
    return Optional(values[0]) if values else NONE


def _last(values: list[Any]) -> Optional:
    return Optional(values[-1]) if values else NONE


def _kinds() -> tuple[Overload, ...]:
    """The functions that upstream declares for each type of items."""
    made = [method("sum", f"list<{kind}> -> {kind}", _sum, budgeted=True) for kind in _SUMMABLE]
    for kind in _COMPARABLE:
        made.append(method("isSorted", f"list<{kind}> -> bool", _is_sorted))
        made.append(method("min", f"list<{kind}> -> {kind}", _least))
        made.append(method("max", f"list<{kind}> -> {kind}", _greatest))
    return tuple(made)


FUNCTIONS = (
    *_kinds(),
    method("indexOf", "list<dyn> dyn -> int", _index_of, budgeted=True),
    method("lastIndexOf", "list<dyn> dyn -> int", _last_index_of, budgeted=True),
    method("includes", "dyn dyn -> bool", _includes, budgeted=True),
    builtin("slice", "list int int -> list", _slice),
    builtin("flatten", "list -> list", _flatten, budgeted=True),
    builtin("flatten", "list int -> list", _flatten, budgeted=True),
    builtin("distinct", "list -> list", _distinct, budgeted=True),
    builtin("reverse", "list -> list", lambda values: values[::-1]),
    builtin("sort", "list -> list", _sorted, budgeted=True),
    builtin("@sortByAssociatedKeys", "list list -> list", _sort_by_keys, budgeted=True),
    builtin("lists.range", "int -> list", _range, budgeted=True),
    builtin("first", "list -> optional_type", _first),
    builtin("last", "list -> optional_type", _last),
)
