"""The CEL expressions of webhooks' match conditions.

The library is imported when there is an expression: it takes as long as all other kinds together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strongroom.api.cel import Program

VARIABLES = ("object", "oldObject", "request")
BUDGET = 2_500_000
"""Upstream's ``RuntimeCELCostBudgetMatchConditions``: for all conditions of one webhook."""


class ConditionsFailed(Exception):
    """Conditions that could not be judged; the text is upstream's."""


def conditions_hold(expressions: Iterable[str], values: Mapping[str, Any]) -> bool:
    """Whether all hold. Raises ConditionsFailed when none is false and some cannot be judged."""
    from strongroom.api.cel import Budget, CelError

    failures, budget = [], Budget(total=BUDGET)
    for expression in expressions:
        try:
            if _compile(expression.strip()).evaluate(values, budget=budget) is not True:
                return False
        except CelError as error:
            failures.append(str(error))
    if failures:
        texts = list(dict.fromkeys(failures))
        raise ConditionsFailed(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return True


def match_condition_error(expression: str) -> str | None:
    """What is wrong with a condition, in upstream's words; None for one that compiles."""
    from strongroom.api.cel import CompileError

    try:
        _compile(expression)
    except CompileError as error:
        return str(error)
    return None


@lru_cache(maxsize=1024)
def _compile(expression: str) -> Program:
    from strongroom.api.cel import compile_expression

    return compile_expression(expression, VARIABLES, result="bool")
