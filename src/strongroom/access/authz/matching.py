"""The match conditions of authorization webhooks: CEL about ``request``, a SubjectAccessReviewSpec.

The library is imported when there is a condition.
Source: ``k8s.io/apiserver/pkg/authorization/cel``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from strongroom.access.authz.policies import aggregate
from strongroom.access.authz.question import Tree, request_of
from strongroom.access.review import ReviewFailed
from strongroom.api.clock import Clock

if TYPE_CHECKING:
    from strongroom.api.cel import Program
    from strongroom.api.cel.shapes import Shape

BUDGET = 2_500_000
"""Cost of all conditions of a webhook together, as for admission's; upstream has no limit here."""

_REQUEST = "request"

Measured = Callable[[float, bool, bool], None]
"""Told of each evaluation: seconds, whether something failed, whether the webhook was excluded."""


def _unmeasured(seconds: float, failed: bool, excluded: bool) -> None:
    pass


def condition_error(expression: str) -> str | None:
    """What is wrong with a condition, in upstream's words; None for one that compiles."""
    from strongroom.api.cel import CompileError

    try:
        _compile(expression)
    except CompileError as error:
        return str(error)
    return None


class MatchConditions:
    """The conditions of one webhook."""

    def __init__(
        self, expressions: Sequence[str], clock: Clock, measured: Measured = _unmeasured
    ) -> None:
        """Raises CompileError."""
        self._programs = [_compile(text) for text in expressions]
        self._clock = clock
        self._measured = measured

    def hold(self, spec: Tree) -> bool:
        """Whether all hold. Raises ReviewFailed when none is false and some cannot be judged."""
        begun = self._clock.monotonic()
        errors: list[str] = []
        excluded = self._excluded(spec, errors)
        self._measured(self._clock.monotonic() - begun, bool(errors), excluded)
        if excluded:
            return False
        if errors:
            raise ReviewFailed(aggregate(list(dict.fromkeys(errors))))
        return True

    def _excluded(self, spec: Tree, errors: list[str]) -> bool:
        """Whether one is false; what could not be judged before that is added to ``errors``."""
        from strongroom.api.cel import Budget, CelError

        budget, values = Budget(total=BUDGET), {_REQUEST: request_of(spec)}
        for program in self._programs:
            told = f"cel evaluation error: expression '{program.text}'"
            try:
                value = program.evaluate(values, budget=budget)
            except CelError as error:
                errors.append(f"{told} resulted in error: {error}")
                continue
            if value is False:
                return True
            if value is not True:
                errors.append(f"{told} eval result type should be bool")
        return False


@cache
def _shape() -> Shape:
    from strongroom.api.cel.shapes import STRING, STRINGS, Shape

    def texts(*names: str) -> dict[str, Shape]:
        return dict.fromkeys(names, STRING)

    selector = texts("rawSelector") | {
        "requirements": Shape("list(kubernetes.SelectorRequirement)")
    }
    resource = texts("namespace", "verb", "group", "version", "resource", "subresource", "name")
    resource["fieldSelector"] = Shape("kubernetes.FieldSelectorAttributes", selector)
    resource["labelSelector"] = Shape("kubernetes.LabelSelectorAttributes", selector)
    return Shape(
        "kubernetes.SubjectAccessReviewSpec",
        texts("user", "uid")
        | {
            "groups": STRINGS,
            "extra": Shape("map(string, list(string))"),
            "resourceAttributes": Shape("kubernetes.ResourceAttributes", resource),
            "nonResourceAttributes": Shape(
                "kubernetes.NonResourceAttributes", texts("path", "verb")
            ),
        },
    )


def _compile(expression: str) -> Program:
    from strongroom.api.cel import compile_expression
    from strongroom.api.cel.shapes import check_fields

    program = compile_expression(expression, (_REQUEST,), result="bool")
    check_fields(expression, {_REQUEST: _shape()}, result="bool")
    return program
