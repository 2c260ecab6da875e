"""The variables of a policy's expressions, and evaluating those that ask authorizers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strongroom.access.admission.policy.compiled import CompiledPolicy
from strongroom.access.admission.policy.port import Surroundings, Tree
from strongroom.access.user import User
from strongroom.api.cel import Budget, CelBudgetError, CelError, Program
from strongroom.api.cel.functions.authorizer import (
    REQUEST_RESOURCE,
    Answers,
    AuthorizerValue,
    Check,
    Unanswered,
    request_resource,
)

_MAX_QUESTIONS = 128
"""Checks that the expressions of one request may ask, each of which evaluates anew."""


class OutOfBudget(Exception):
    """All that a policy's expressions may cost is spent."""

    def __init__(self) -> None:
        super().__init__(
            "validation failed due to running out of cost budget, "
            "no further validation rules will be run"
        )


class Asking:
    """Asks the authorizer for expressions; answers hold for the whole request."""

    def __init__(self, user: User, around: Surroundings) -> None:
        self._user = user
        self._around = around
        self.answers: Answers = {}

    async def evaluate(self, program: Program, variables: Mapping[str, Any], budget: Budget) -> Any:
        """The value of a program. Raises CelError, OutOfBudget."""
        while True:
            try:
                return program.evaluate(variables, budget=budget)
            except CelBudgetError as error:
                if error.overall:
                    raise OutOfBudget from None
                raise
            except Unanswered as question:
                if len(self.answers) >= _MAX_QUESTIONS:
                    raise CelError("too many authorization checks") from None
                asked = question.check
            self.answers[asked] = await self._around.decide(self._user, asked)


def request_check(about: Tree) -> Check:
    """The question of ``authorizer.requestResource``: about what the request is about."""
    resource = about["requestResource"]
    return Check(
        group=resource["group"],
        resource=resource["resource"],
        subresource=about.get("requestSubResource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
    )


class _Later(Mapping[str, Any]):
    """The names of an evaluation, with a policy's variables evaluated when they are first named.

    A variable is evaluated once for all expressions; one that ends in an error does so each time.
    """

    def __init__(self, known: Tree, policy: CompiledPolicy, budget: Budget) -> None:
        self._known = known
        self._budget = budget
        self._todo = {f"variables.{name}": program for name, program in policy.variables}

    def __getitem__(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        program = self._todo[name]
        if isinstance(program, str):
            raise CelError(f'composited variable "{name[10:]}" fails to compile: {program}')
        try:
            value = program.evaluate_raw(self, budget=self._budget)
        except CelBudgetError:
            raise
        except CelError as error:
            text = f'composited variable "{name[10:]}" fails to evaluate: {error}'
            raise CelError(text) from None
        self._known[name] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._todo})

    def __len__(self) -> int:
        return len({**self._known, **self._todo})


def variables_of(
    policy: CompiledPolicy, known: Tree, asking: Asking, check: Check, budget: Budget
) -> Mapping[str, Any]:
    """Everything that the expressions of a policy may name."""
    authorizing = {
        "authorizer": AuthorizerValue(asking.answers),
        REQUEST_RESOURCE: request_resource(asking.answers, check),
    }
    return _Later(known | authorizing, policy, budget)
