"""Expressions over the requests of admission: match conditions of webhooks and policies.

Source: ``k8s.io/apiserver/pkg/admission/plugin/cel/compile.go``.
"""

from __future__ import annotations

from functools import lru_cache

from strongroom.api.cel.budget import PER_CONDITIONS, Budget
from strongroom.api.cel.declarations import Declaration
from strongroom.api.cel.errors import CompileError
from strongroom.api.cel.functions.authorizer import AUTHORIZER_TYPE
from strongroom.api.cel.program import Program, compile_expression

REQUEST_VARIABLES: dict[str, Declaration] = {
    "object": "dyn",
    "oldObject": "dyn",
    "request": "dyn",
    "authorizer": AUTHORIZER_TYPE,
    "authorizer.requestResource": "kubernetes.authorization.ResourceCheck",
}
"""What every expression of admission may name."""


@lru_cache(maxsize=1024)
def compile_match_condition(expression: str) -> Program:
    """A match condition of a webhook: a bool over the request. Raises CompileError."""
    return compile_expression(expression, REQUEST_VARIABLES, result="bool")


def condition_error(expression: str) -> str | None:
    """What is wrong with a match condition of a webhook; None for one that compiles."""
    try:
        compile_match_condition(expression)
    except CompileError as error:
        return str(error)
    return None


def conditions_budget() -> Budget:
    """What the match conditions of one webhook or policy may cost together."""
    return Budget(total=PER_CONDITIONS)
