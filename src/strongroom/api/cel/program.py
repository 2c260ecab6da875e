"""Compiling an expression, and evaluating it within a budget.

Parsing and type checking are Google's C++ implementation (``cel-expr-python``), so positions and
words of errors are those that people know. Evaluating is ours: theirs has no budget that could be
set, crashes on deeply nested data and copies all data into its own values first. See
docs/decisions/0070-cel.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.declarations import Declarations, declare
from strongroom.api.cel.environment import UNCHECKED, check
from strongroom.api.cel.errors import CelError, CompileError
from strongroom.api.cel.evaluation import build
from strongroom.api.cel.frames import Context, Frame
from strongroom.api.cel.functions import LIBRARIES
from strongroom.api.cel.overloads import dispatches
from strongroom.api.cel.tree import Expr, Ident, Select, read_checked
from strongroom.api.cel.values import plain

_FUNCTIONS = dispatches(LIBRARIES)
MAX_LENGTH = 10 * 1024
"""Characters of an expression. Parsing one holds up every other request, 20 µs a name."""

_TOO_DEEP = "evaluation exceeds the maximum depth"


class Program:
    """A compiled expression. May be evaluated any number of times."""

    __slots__ = ("_cost", "_step", "result_type", "text")

    def __init__(
        self, text: str, result_type: str, step: Callable[[Frame], Any], cost: int
    ) -> None:
        self.text = text
        self.result_type = result_type
        self._step = step
        self._cost = cost

    def evaluate(self, variables: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
        """The value for these variables, JSON-like. A mapping is asked for what is named only.

        Raises CelError when the evaluation ends in an error, CelBudgetError when it would cost
        more than ``budget`` still allows.
        """
        return plain(self.evaluate_raw(variables, budget=budget))

    def evaluate_raw(self, variables: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
        """The value in CEL's own terms: an unsigned integer and an optional stay what they are."""
        budget = budget if budget is not None else Budget()
        outer = budget.enter()
        try:
            budget.spend(self._cost)
            return self._step(Frame(_names(variables), budget))
        except RecursionError:
            raise CelError(_TOO_DEEP) from None
        finally:
            budget.leave(outer)


class _Names(dict[str, Any]):
    """The variables of an evaluation, each taken from where it comes from when it is named."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._source[name]
        return value


def _names(variables: Mapping[str, Any]) -> dict[str, Any]:
    """A dict of one evaluation's own, since macros bind names in it."""
    return dict(variables) if type(variables) is dict else _Names(variables)


def compile_expression(
    text: str, variables: Declarations, *, result: str | tuple[str, ...] = ()
) -> Program:
    """Parse, check and prepare an expression.

    ``variables`` are the names that it may use, with the types of those that are not ``dyn``.
    ``result`` are the types that its value may have ("bool"; none: any). Raises CompileError; its
    message is upstream's, ``compilation failed: ERROR: <input>:1:5: …``.
    """
    if len(text) > MAX_LENGTH:
        raise CompileError(f"compilation failed: expression is longer than {MAX_LENGTH} characters")
    declared = declare(variables)
    serialized, kind = check(text, declared)
    checked = read_checked(serialized)
    wanted = (result,) if isinstance(result, str) else result
    told = kind != UNCHECKED and not (kind == "dyn" and _may_be_anything(checked.root))
    if wanted and told and kind not in wanted:
        named = wanted[0] if len(wanted) == 1 else f"one of [{' '.join(wanted)}]"
        raise CompileError(f"must evaluate to {named} but got {kind}")
    try:
        step, cost = build(checked.root, Context(checked, _FUNCTIONS))
    except RecursionError:
        raise CompileError(_TOO_DEEP) from None
    return Program(text, kind or "dyn", step, cost)


def _may_be_anything(root: Expr) -> bool:
    """Whether ``dyn`` is our ignorance: of the types in ``request``, and where nothing is checked.

    An expression that is ``dyn`` for any other reason is refused where a type is wanted, as
    upstream refuses it.
    """
    while isinstance(root, Select):
        root = root.operand
    return isinstance(root, Ident) and root.name == "request"
