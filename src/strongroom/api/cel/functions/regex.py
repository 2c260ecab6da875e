"""Kubernetes' ``find`` and ``findAll``."""

from __future__ import annotations

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import method
from strongroom.api.regexps import Pattern, PatternError, compile_pattern


def _pattern(budget: Budget, text: str, pattern: str) -> Pattern:
    budget.spend(0.1 * len(text) * max(1.0, len(pattern) * 0.25))
    try:
        return compile_pattern(pattern)
    except PatternError as error:
        raise CelError(f"Illegal regex: {error}") from None


def _find(budget: Budget, text: str, pattern: str) -> str:
    return _pattern(budget, text, pattern).find(text)


def _find_all(budget: Budget, text: str, pattern: str, limit: int = -1) -> list[str]:
    return _pattern(budget, text, pattern).find_all(text, limit)


FUNCTIONS = (
    method("find", "string string -> string", _find, budgeted=True),
    method("findAll", "string string -> list<string>", _find_all, budgeted=True),
    method("findAll", "string string int -> list<string>", _find_all, budgeted=True),
)
