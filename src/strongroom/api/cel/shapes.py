"""Variables of known fields: what upstream's checker says of fields that they do not have.

The library knows no types but its own, so such variables are declared ``dyn`` there, and the paths
that begin with them are checked here: ``request.usr`` is an undefined field, and ``request.user``
no bool. What is below an element of a list or a map, upstream alone checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from strongroom.api.cel.declarations import declare
from strongroom.api.cel.environment import check
from strongroom.api.cel.errors import CompileError
from strongroom.api.cel.tree import Call, Const, Entry, Expr, Fold, Ident, Select, read_checked

_OPTIONAL = "_?._"


@dataclass(frozen=True, slots=True)
class Shape:
    """A type: its name, and its fields where it is an object."""

    name: str
    fields: Mapping[str, Shape] = field(default_factory=dict)


STRING = Shape("string")
STRINGS = Shape("list(string)")


def check_fields(text: str, variables: Mapping[str, Shape], *, result: str = "") -> None:
    """Check the paths of an expression that compiles. Raises CompileError in upstream's words.

    ``result`` is the type that its value must have, where the expression is but a path.
    """
    names = tuple(variables)
    checked = read_checked(check(text, declare(names))[0])
    known = _Known(variables, text)
    for node in _nodes(checked.root, frozenset(names)):
        known.shape(node)
    found = known.shape(checked.root)
    if result and found is not None and found.name != result:
        raise CompileError(f"must evaluate to {result} but got {found.name}")


@dataclass(frozen=True, slots=True)
class _Known:
    variables: Mapping[str, Shape]
    text: str

    def shape(self, node: Expr) -> Shape | None:
        """The type of a path; None for whatever else. Raises CompileError."""
        if isinstance(node, Ident):
            return self.variables.get(node.name)
        operand, name = _selected(node)
        if operand is None:
            return None
        owner = self.shape(operand)
        if owner is None or not owner.fields:
            return None
        found = owner.fields.get(name)
        if found is None:
            raise CompileError(f"compilation failed: {self._undefined(name)}")
        # Of has() and of optionals the value is of another type.
        return found if isinstance(node, Select) and not node.test else None

    def _undefined(self, name: str) -> str:
        place = re.search(rf"\.\??\s*{re.escape(name)}\b", self.text)
        before = self.text[: place.start()] if place else ""
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        shown = self.text.split("\n")[line - 1]
        dots = "." * (column - 1)
        return f"ERROR: <input>:{line}:{column}: undefined field '{name}'\n | {shown}\n | {dots}^"


def _selected(node: Expr) -> tuple[Expr | None, str]:
    """What a field is taken from, and which: ``a.b`` or ``a.?b``."""
    if isinstance(node, Select):
        return node.operand, node.field
    if isinstance(node, Call) and node.function == _OPTIONAL and len(node.args) == 2:
        name = node.args[1]
        if isinstance(name, Const) and isinstance(name.value, str):
            return node.args[0], name.value
    return None, ""


def _nodes(node: Expr, names: frozenset[str]) -> Iterator[Expr]:
    """All nodes whose variables are those of the expression; macros may bind the same names."""
    if isinstance(node, Fold) and names & {node.variable, node.variable2, node.accumulator}:
        yield from _nodes(node.range, names)
        return
    yield node
    for child in _children(node):
        yield from _nodes(child, names)


def _children(node: Any) -> Iterator[Expr]:
    for one in fields(node):
        value = getattr(node, one.name)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, Expr):
                yield item
            elif isinstance(item, Entry):
                yield from _children(item)
