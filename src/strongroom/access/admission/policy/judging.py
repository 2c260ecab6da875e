"""One policy, one binding, one parameter: what its expressions say of a request.

Source: ``admission/plugin/policy/validating/validator.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from strongroom.access.admission.policy.asking import (
    Asking,
    OutOfBudget,
    request_check,
    variables_of,
)
from strongroom.access.admission.policy.compiled import (
    Compiled,
    CompiledPolicies,
    CompiledPolicy,
    Rule,
)
from strongroom.access.admission.policy.port import Surroundings, Tree
from strongroom.access.user import User
from strongroom.api.cel import Budget, CelError, Program
from strongroom.api.cel.budget import PER_CONDITIONS
from strongroom.api.cel.functions.authorizer import Check
from strongroom.resources.validating_policy import ValidatingAdmissionPolicy

_LONGEST_MESSAGE = 5 * 1024
"""Bytes of what a messageExpression may make (``MaxEvaluatedMessageExpressionSizeBytes``)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A validation that failed, by its place among the policy's; "" for upstream's own reason."""

    index: int
    message: str
    reason: str = ""


@dataclass(slots=True)
class Judgement:
    """What a policy says: failures, audit annotations, and those that ended in errors."""

    failures: list[Failure] = field(default_factory=list)
    annotations: list[tuple[str, str]] = field(default_factory=list)
    annotation_errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """What is judged, whom to ask about rights, and what it may still cost.

    ``names`` are object, oldObject, request, namespaceObject and params.
    """

    names: Tree
    asking: Asking
    budget: Budget


class Judge:
    """Judges requests by policies, which it compiles once for each generation of them."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._compiled = CompiledPolicies()

    async def judge(
        self, policy: ValidatingAdmissionPolicy, names: Tree, user: User, seconds: float
    ) -> tuple[Judgement, float]:
        """What a policy says of a request, and how many of the seconds are left for others."""
        case = _Case(names, Asking(user, self._around), Budget(seconds=seconds))
        return await _judge(self._compiled.get(policy), case), case.budget.seconds


async def _judge(policy: CompiledPolicy, case: _Case) -> Judgement:
    check = request_check(case.names["request"])
    known = variables_of(policy, case.names, case.asking, check, case.budget)
    try:
        if not await _conditions_met(policy, case, check):
            return Judgement()
        judgement = await _validations(policy, case, known)
        if policy.notes:
            # Upstream gives the annotations a budget of their own.
            case.budget = Budget(seconds=case.budget.seconds)
            known = variables_of(policy, case.names, case.asking, check, case.budget)
            await _annotations(policy, case, known, judgement)
    except (CelError, OutOfBudget) as error:
        return _error(policy, str(error))
    return judgement


def _error(policy: CompiledPolicy, message: str) -> Judgement:
    """An error that is none of one validation: it refuses, unless errors are ignored."""
    return Judgement([Failure(0, message)] if policy.fails else [])


async def _conditions_met(policy: CompiledPolicy, case: _Case, check: Check) -> bool:
    """Whether all conditions hold. Raises CelError when none is false and some cannot be judged.

    A policy that ignores errors is not asked about a request that it cannot judge.
    """
    if not policy.conditions:
        return True
    budget = Budget(PER_CONDITIONS, case.budget.seconds)
    bare = replace(policy, variables=())
    names = case.names | {"namespaceObject": None}
    known = variables_of(bare, names, case.asking, check, budget)
    errors = []
    try:
        for expression, program in policy.conditions:
            try:
                if not await _value(program, expression, known, case.asking, budget):
                    return False
            except CelError as error:
                errors.append(str(error))
    except OutOfBudget as error:
        errors = [str(error)]
    finally:
        case.budget.seconds = budget.seconds
    if errors and policy.fails:
        texts = list(dict.fromkeys(errors))
        raise CelError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return not errors


async def _value(
    program: Compiled, expression: str, known: Mapping[str, Any], asking: Asking, budget: Budget
) -> Any:
    """The value of an expression. Raises CelError with upstream's message, OutOfBudget."""
    if isinstance(program, str):
        raise CelError(f"compilation error: {program}")
    try:
        return await asking.evaluate(program, known, budget)
    except CelError as error:
        raise CelError(f"expression '{expression}' resulted in error: {error}") from None


async def _validations(policy: CompiledPolicy, case: _Case, known: Mapping[str, Any]) -> Judgement:
    judgement = Judgement()
    for index, rule in enumerate(policy.rules):
        expression = rule.source.expression
        try:
            held = await _value(rule.program, expression, known, case.asking, case.budget)
        except CelError as error:
            if policy.fails:
                judgement.failures.append(Failure(index, str(error)))
            continue
        if held is not True:
            message = await _message(rule, case, known)
            reason = rule.source.reason or "Invalid"
            judgement.failures.append(Failure(index, message, reason))
    return judgement


async def _message(rule: Rule, case: _Case, known: Mapping[str, Any]) -> str:
    """What is said of a failure: what the expression makes, the message, or the rule itself."""
    made = await _made_message(rule.message, case, known)
    text = made or rule.source.message.strip()
    return text or f"failed expression: {rule.source.expression.strip()}"


async def _made_message(program: Program | None, case: _Case, known: Mapping[str, Any]) -> str:
    """The message that an expression makes; "" for none, an error, a long one or many lines."""
    if program is None:
        return ""
    try:
        value = await case.asking.evaluate(program, known, case.budget)
    except CelError:
        return ""
    text = value.strip() if isinstance(value, str) else ""
    return "" if len(text.encode()) > _LONGEST_MESSAGE or "\n" in text else text


async def _annotations(
    policy: CompiledPolicy,
    case: _Case,
    known: Mapping[str, Any],
    judgement: Judgement,
) -> None:
    for note in policy.notes:
        try:
            value = await _value(note.program, note.expression, known, case.asking, case.budget)
        except CelError as error:
            if policy.fails:
                judgement.annotation_errors.append(str(error))
            continue
        text = value.strip() if isinstance(value, str) else ""
        if text:
            judgement.annotations.append((note.key, text))
