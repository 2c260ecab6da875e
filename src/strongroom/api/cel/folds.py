"""The macros ``all``, ``exists``, ``map``, ``filter`` and their kin: one loop for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from strongroom.api.cel import tree
from strongroom.api.cel.comparing import NO_OVERLOAD
from strongroom.api.cel.errors import CelBudgetError, CelError
from strongroom.api.cel.values import UInt

MAP_INSERT = "cel.@mapInsert"

_ABSENT = object()
_KEYS = (str, bool, int, UInt)


def insert_into_map(made: dict[Any, Any], key: Any, value: Any) -> None:
    """Add an entry to a map that is being made. Raises CelError for a key that is there already."""
    if type(key) not in _KEYS:
        raise CelError("unsupported key type")
    if key in made:
        raise CelError("insert failed: key already exists")
    made[key] = value


def build_fold(
    node: tree.Fold, context: Any, build: Callable[..., Any], failed: Callable[[CelError], Any]
) -> tuple[Callable[[Any], Any], int]:
    """The loop of a macro: each turn binds the variables and makes the next accumulator."""
    inner = replace(
        context,
        accumulators=context.accumulators | {node.accumulator},
        growing=node.accumulator if _grows(node.init) else "",
    )
    source, source_cost = build(node.range, context)
    init, init_cost = build(node.init, context)
    condition, condition_cost = build(node.condition, inner)
    step, step_cost = build(node.step, inner)
    result, result_cost = build(node.result, inner)
    turn = condition_cost + step_cost + 1
    accumulator, names = node.accumulator, (node.variable, node.variable2)

    def run(frame: Any) -> Any:
        values = source(frame)
        variables, budget = frame.variables, frame.budget
        start = init(frame)
        outer = [(name, variables.get(name, _ABSENT)) for name in (*names, accumulator)]
        variables[accumulator] = start
        try:
            for bound in _items(values, names):
                budget.tick(turn)
                variables.update(bound)
                if not condition(frame):
                    break
                try:
                    variables[accumulator] = step(frame)
                except CelBudgetError:
                    raise
                except CelError as error:
                    variables[accumulator] = failed(error)
            return result(frame)
        finally:
            for name, value in outer:
                if value is _ABSENT:
                    variables.pop(name, None)
                else:
                    variables[name] = value

    return run, source_cost + init_cost + result_cost + 1


def _grows(init: tree.Expr) -> bool:
    return (isinstance(init, tree.MakeList) and not init.elements) or (
        isinstance(init, tree.MakeMap) and not init.entries
    )


def _items(values: Any, names: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """What each turn binds: an item or a key; index and item or key and value with two names."""
    first, second = names
    if isinstance(values, list):
        if second:
            return ({first: at, second: item} for at, item in enumerate(values))
        return ({first: item} for item in values)
    if isinstance(values, Mapping):
        if second:
            return ({first: key, second: values[key]} for key in values)
        return ({first: key} for key in values)
    raise CelError(NO_OVERLOAD)
