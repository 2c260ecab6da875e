"""From a checked expression to a closure that evaluates it.

Each node becomes one function of a :class:`Frame`. An error is an exception; where CEL lets an
operator or a macro overrule an error, it is caught there. The cost of a stretch of nodes without a
loop is known beforehand and is taken at once; loops take it at each turn, and functions take what
they read or make on top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strongroom.api.cel import arithmetic, tree
from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import NO_OVERLOAD, contains, equal, less
from strongroom.api.cel.errors import CelBudgetError, CelError
from strongroom.api.cel.folds import MAP_INSERT, build_fold, insert_into_map
from strongroom.api.cel.frames import TYPE_NAMES, Context, Failed, Frame, Step
from strongroom.api.cel.indexing import at_index, has_field, missing_key, optional_index, select
from strongroom.api.cel.values import CelType, Optional


def build(node: tree.Expr, context: Context) -> tuple[Step, int]:
    """The closure of a node, and what it costs when no loop or function takes more."""
    return _BUILDERS[type(node)](node, context)


def _const(node: tree.Const, context: Context) -> tuple[Step, int]:
    value = node.value
    return (lambda frame: value), 0


def _ident(node: tree.Ident, context: Context) -> tuple[Step, int]:
    name = node.name
    known = context.checked.names.get(node.id, name)
    if known in TYPE_NAMES:
        kind = CelType(known)
        return (lambda frame: frame.variables.get(name, kind)), 1
    if name in context.accumulators:
        return _accumulator(name), 1

    if known != name and "." in known:
        return _variable(known), 1
    return _variable(name), 1


def _variable(name: str) -> Step:
    def step(frame: Frame) -> Any:
        try:
            return frame.variables[name]
        except KeyError:
            raise CelError(f"no such attribute(s): {name}") from None

    return step


def _accumulator(name: str) -> Step:
    def step(frame: Frame) -> Any:
        value = frame.variables[name]
        if type(value) is Failed:
            raise value.error
        return value

    return step


def _select(node: tree.Select, context: Context) -> tuple[Step, int]:
    known = context.checked.names.get(node.id)
    if known in TYPE_NAMES:
        kind = CelType(known or "")
        return (lambda frame: kind), 1
    if known is not None:
        return _variable(known), 1
    operand, cost = build(node.operand, context)
    name = node.field
    if node.test:
        return (lambda frame: has_field(operand(frame), name)), cost

    def step(frame: Frame) -> Any:
        value = operand(frame)
        if type(value) is dict:
            try:
                return value[name]
            except KeyError:
                raise missing_key(name) from None
        return select(value, name)

    return step, cost + 1


def _list(node: tree.MakeList, context: Context) -> tuple[Step, int]:
    built = [build(element, context) for element in node.elements]
    cost = 10 + sum(cost for _, cost in built)
    steps = [(step, at in node.optional) for at, (step, _) in enumerate(built)]
    if not node.optional:
        plain = [step for step, _ in steps]
        return (lambda frame: [step(frame) for step in plain]), cost

    def make(frame: Frame) -> Any:
        made = []
        for step, optional in steps:
            value = step(frame)
            if not optional:
                made.append(value)
            elif not isinstance(value, Optional):
                raise CelError(NO_OVERLOAD)
            elif value.present:
                made.append(value.value)
        return made

    return make, cost


def _map(node: tree.MakeMap, context: Context) -> tuple[Step, int]:
    if node.message:
        raise CelError(f"unknown type: {node.message}")
    cost = 30
    entries: list[tuple[Step, Step, bool]] = []
    for entry in node.entries:
        key, key_cost = build(entry.key or tree.Const(0, entry.field), context)
        value, value_cost = build(entry.value, context)
        cost += key_cost + value_cost
        entries.append((key, value, entry.optional))

    def make(frame: Frame) -> Any:
        made: dict[Any, Any] = {}
        for key, value, optional in entries:
            name = key(frame)
            item = value(frame)
            if optional:
                if not isinstance(item, Optional):
                    raise CelError(NO_OVERLOAD)
                if not item.present:
                    continue
                item = item.value
            insert_into_map(made, name, item)
        return made

    return make, cost


def _call(node: tree.Call, context: Context) -> tuple[Step, int]:
    special = _SPECIAL.get(node.function)
    if special is not None:
        return special(node, context)
    name, nodes = _callee(node, context)
    dispatch = context.functions.get(name)
    if dispatch is None:
        raise CelError(f"undeclared reference to '{name}'")
    built = [build(arg, context) for arg in nodes]
    steps = [step for step, _ in built]
    cost = 1 + sum(cost for _, cost in built)
    if len(steps) == 1:
        only = steps[0]
        return (lambda frame: dispatch.call(frame.budget, (only(frame),))), cost
    if len(steps) == 2:
        first, second = steps
        return (lambda frame: dispatch.call(frame.budget, (first(frame), second(frame)))), cost
    return (lambda frame: dispatch.call(frame.budget, tuple([step(frame) for step in steps]))), cost


def _callee(node: tree.Call, context: Context) -> tuple[str, list[tree.Expr]]:
    """The function that is called and its arguments: ``ip.isCanonical(x)`` has no target ``ip``."""
    if node.target is None:
        return node.function, node.args
    names = [node.function]
    at: tree.Expr = node.target
    while isinstance(at, tree.Select):
        names.append(at.field)
        at = at.operand
    if isinstance(at, tree.Ident):
        whole = ".".join([at.name, *reversed(names)])
        if whole in context.functions and node.target.id not in context.checked.names:
            return whole, node.args
    return node.function, [node.target, *node.args]


def _binary(operate: Callable[[Any, Any], Any]) -> Callable[[tree.Call, Context], tuple[Step, int]]:
    def made(node: tree.Call, context: Context) -> tuple[Step, int]:
        left, left_cost = build(node.args[0], context)
        right, right_cost = build(node.args[1], context)
        return (lambda frame: operate(left(frame), right(frame))), left_cost + right_cost + 1

    return made


def _unary(operate: Callable[[Any], Any]) -> Callable[[tree.Call, Context], tuple[Step, int]]:
    def made(node: tree.Call, context: Context) -> tuple[Step, int]:
        operand, cost = build(node.args[0], context)
        return (lambda frame: operate(operand(frame))), cost + 1

    return made


def _budgeted(
    operate: Callable[[Any, Any, Budget], Any],
) -> Callable[[tree.Call, Context], tuple[Step, int]]:
    def made(node: tree.Call, context: Context) -> tuple[Step, int]:
        left, left_cost = build(node.args[0], context)
        right, right_cost = build(node.args[1], context)
        return (
            lambda frame: operate(left(frame), right(frame), frame.budget)
        ), left_cost + right_cost + 1

    return made


def _add(node: tree.Call, context: Context) -> tuple[Step, int]:
    """``a + b``; the list that a macro collects grows in place, or n items would take n² work."""
    left, right = node.args
    collects = isinstance(left, tree.Ident) and left.name == context.growing != ""
    if not collects or not isinstance(right, tree.MakeList):
        return _budgeted(arithmetic.add)(node, context)
    items, cost = build(right, context)
    target, _ = build(left, context)

    def grow(frame: Frame) -> Any:
        values = target(frame)
        values.extend(items(frame))
        return values

    return grow, cost + 1


def _truth(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise CelError(NO_OVERLOAD)


def _either(node: tree.Call, context: Context, decides: bool) -> tuple[Step, int]:
    """``&&`` (False decides) and ``||`` (True does): a side that decides overrules any error."""
    left, left_cost = build(node.args[0], context)
    right, right_cost = build(node.args[1], context)

    def step(frame: Frame) -> Any:
        try:
            if _truth(left(frame)) is decides:
                return decides
        except CelBudgetError:
            raise
        except CelError:
            if right(frame) is decides:
                return decides
            raise
        return _truth(right(frame))

    return step, left_cost + right_cost + 1


def _and(node: tree.Call, context: Context) -> tuple[Step, int]:
    return _either(node, context, False)


def _or(node: tree.Call, context: Context) -> tuple[Step, int]:
    return _either(node, context, True)


def _not(value: Any) -> bool:
    return not _truth(value)


def _choice(node: tree.Call, context: Context) -> tuple[Step, int]:
    (test, a), (then, b), (other, c) = (build(arg, context) for arg in node.args)
    return (lambda frame: then(frame) if _truth(test(frame)) else other(frame)), a + max(b, c) + 1


def _not_strictly_false(node: tree.Call, context: Context) -> tuple[Step, int]:
    operand, cost = build(node.args[0], context)

    def step(frame: Frame) -> bool:
        try:
            return operand(frame) is not False
        except CelBudgetError:
            raise
        except CelError:
            return True

    return step, cost


def _in(value: Any, values: Any, budget: Budget) -> bool:
    if isinstance(values, list):
        return contains(values, value, budget)
    if isinstance(values, Mapping):
        return isinstance(value, (str, int, float)) and value in values
    raise CelError(NO_OVERLOAD)


def _index(node: tree.Call, context: Context) -> tuple[Step, int]:
    operand, cost = build(node.args[0], context)
    index, index_cost = build(node.args[1], context)
    told = isinstance(node.args[1], tree.Const)
    return (lambda frame: at_index(operand(frame), index(frame), told=told)), cost + index_cost + 1


def _map_insert(node: tree.Call, context: Context) -> tuple[Step, int]:
    """``cel.@mapInsert(map, key, value)`` or ``(map, entries)`` of the macros that make maps."""
    target, cost = build(node.args[0], context)
    built = [build(arg, context) for arg in node.args[1:]]
    steps = [step for step, _ in built]

    def step(frame: Frame) -> Any:
        made = target(frame)
        values = [step(frame) for step in steps]
        if len(values) == 2:
            insert_into_map(made, values[0], values[1])
        elif isinstance(values[0], Mapping):
            frame.budget.spend(len(values[0]))
            for key, value in values[0].items():
                insert_into_map(made, key, value)
        else:
            raise CelError(NO_OVERLOAD)
        return made

    return step, cost + sum(more for _, more in built) + 1


def _fold(node: tree.Fold, context: Context) -> tuple[Step, int]:
    return build_fold(node, context, build, Failed)


_SPECIAL: dict[str, Callable[[tree.Call, Context], tuple[Step, int]]] = {
    "_&&_": _and,
    "_||_": _or,
    "!_": _unary(_not),
    "_?_:_": _choice,
    "@not_strictly_false": _not_strictly_false,
    "__not_strictly_false__": _not_strictly_false,
    "_==_": _budgeted(equal),
    "_!=_": _budgeted(lambda a, b, budget: not equal(a, b, budget)),
    "_<_": _binary(less),
    "_>_": _binary(lambda a, b: less(b, a)),
    "_<=_": _binary(lambda a, b: not less(b, a)),
    "_>=_": _binary(lambda a, b: not less(a, b)),
    "_+_": _add,
    "_-_": _binary(arithmetic.subtract),
    "_*_": _binary(arithmetic.multiply),
    "_/_": _binary(arithmetic.divide),
    "_%_": _binary(arithmetic.modulo),
    "-_": _unary(arithmetic.negate),
    "@in": _budgeted(_in),
    "_[_]": _index,
    "_[?_]": _binary(optional_index),
    "_?._": _binary(optional_index),
    MAP_INSERT: _map_insert,
}

_BUILDERS: dict[type, Callable[[Any, Context], tuple[Step, int]]] = {
    tree.Const: _const,
    tree.Ident: _ident,
    tree.Select: _select,
    tree.Call: _call,
    tree.MakeList: _list,
    tree.MakeMap: _map,
    tree.Fold: _fold,
}
