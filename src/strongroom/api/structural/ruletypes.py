"""Which fields a rule speaks of, and whether its schema has them.

The CEL checker here knows objects as ``dyn`` only, so a rule that misspells a field would compile
and fail with every object. This walk follows the schema along the checked expression; where it
loses sight of the type (the result of ``map``, an optional) it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatchmethod

from strongroom.api.cel.environment import check
from strongroom.api.cel.tree import (
    Call,
    Const,
    Expr,
    Fold,
    Ident,
    MakeList,
    MakeMap,
    Select,
    read_checked,
)
from strongroom.api.structural.celvalues import escape
from strongroom.api.structural.model import Structural
from strongroom.api.structural.sizes import most

Scope = Mapping[str, Structural | None]

_TEXT = Structural(tree={}, type="string")
_NAMES = Structural(tree={}, type="object", properties={"name": _TEXT, "generateName": _TEXT})
_META = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": _NAMES}
_FREE = ("_&&_", "_||_", "@not_strictly_false")
_SCALARS = ("string", "integer", "number", "boolean")


def expression_of(text: str, variables: Mapping[str, str]) -> Expr:
    """The checked expression of a text that compiles with these variables."""
    return read_checked(check(text, tuple(sorted(variables.items())))[0]).root


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule says: of what, and at what cost.

    ``wrong`` is what the compiler would say of the first field that is not there. ``cost`` is an
    estimate for the largest value that a request can hold: never more than upstream's.
    """

    wrong: str
    names: frozenset[str]
    cost: int


def look(text: str, root: Expr, scope: Scope, *, whole: bool) -> Seen:
    """Look through a rule. ``whole`` says that ``self`` is an object with metadata."""
    walk = _Walk(scope.get("self") if whole else None)
    walk.type_of(root, scope)
    wrong = _error(text, walk.missing) if walk.missing else ""
    return Seen(wrong, frozenset(walk.names), walk.cost)


def _error(text: str, field: str) -> str:
    at = max(text.find(f".{field}"), 0)
    line = text.count("\n", 0, at)
    start = text.rfind("\n", 0, at) + 1
    shown = text[start:].split("\n", 1)[0]
    dots = "." * (at - start)
    where = f"<input>:{line + 1}:{at - start + 1}"
    return f"compilation failed: ERROR: {where}: undefined field '{field}'\n | {shown}\n | {dots}^"


class _Walk:
    """One walk over an expression; ``missing`` is the first field that its schema has not."""

    def __init__(self, whole: Structural | None) -> None:
        self.missing = ""
        self.cost = 0
        self._times = 1
        self.names: set[str] = set()
        self._whole = whole

    def _field(self, schema: Structural | None, said: str) -> Structural | None:
        if schema is None or schema.int_or_string:
            return None
        if schema.type != "object":
            # Lists and scalars have no fields; what has no type may be anything.
            if schema.type in (*_SCALARS, "array"):
                self.missing = self.missing or said
            return None
        embedded = schema.embedded or schema is self._whole
        if embedded and said in _META:
            return _META[said]
        for name, field in schema.properties.items():
            if escape(name) == said:
                return field
        if schema.values is not None and not schema.properties:
            return schema.values
        if schema.additional is not True:
            self.missing = self.missing or said
        return None

    @singledispatchmethod
    def type_of(self, node: Expr, scope: Scope) -> Structural | None:
        """The schema of a part's value, if it can be told."""
        raise TypeError(type(node).__name__)

    @type_of.register
    def _(self, node: Const, scope: Scope) -> Structural | None:
        return None

    @type_of.register
    def _(self, node: Ident, scope: Scope) -> Structural | None:
        self.cost += self._times
        if node.name not in scope or node.name in ("self", "oldSelf"):
            self.names.add(node.name)
        return scope.get(node.name)

    @type_of.register
    def _(self, node: Select, scope: Scope) -> Structural | None:
        # Whether a field is there costs nothing.
        self.cost += 0 if node.test else self._times
        return self._field(self.type_of(node.operand, scope), node.field)

    @type_of.register
    def _(self, node: Call, scope: Scope) -> Structural | None:
        if node.function == "_?_:_":
            return self._choice(node, scope)
        if node.function not in _FREE:
            self.cost += self._times
        if node.target is not None:
            self.type_of(node.target, scope)
        types = [self.type_of(argument, scope) for argument in node.args]
        first = types[0] if types else None
        if node.function == "_[_]" and first is not None:
            return first.items or first.values
        if node.function == "_?._" and isinstance(name := node.args[1], Const):
            self._field(first, str(name.value))
        return None

    def _choice(self, node: Call, scope: Scope) -> Structural | None:
        """Of two alternatives the dearer counts."""
        condition, first, second = node.args
        self.type_of(condition, scope)
        before = self.cost
        one = self.type_of(first, scope)
        after = self.cost
        self.cost = before
        other = self.type_of(second, scope)
        self.cost = max(self.cost, after)
        return one if one is other else None

    @type_of.register
    def _(self, node: MakeList, scope: Scope) -> Structural | None:
        for element in node.elements:
            self.type_of(element, scope)
        return None

    @type_of.register
    def _(self, node: MakeMap, scope: Scope) -> Structural | None:
        for entry in node.entries:
            if entry.key is not None:
                self.type_of(entry.key, scope)
            self.type_of(entry.value, scope)
        return None

    @type_of.register
    def _(self, node: Fold, scope: Scope) -> Structural | None:
        over = self.type_of(node.range, scope)
        inner = {**scope, node.accumulator: self.type_of(node.init, scope)}
        items = over.items if over is not None else None
        if node.variable2:
            inner[node.variable] = None
            inner[node.variable2] = items or (over.values if over is not None else None)
        else:
            inner[node.variable] = items
        times = self._times
        self._times = times * (most(over) if over is not None else 1)
        self.type_of(node.condition, inner)
        self.type_of(node.step, inner)
        self._times = times
        outer = {**scope, node.accumulator: inner[node.accumulator]}
        return self.type_of(node.result, outer)
