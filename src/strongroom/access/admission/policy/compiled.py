"""A policy made ready: its expressions compiled, once for each generation of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strongroom.api.cel import CompileError, Program
from strongroom.resources.admission_policy import Validation
from strongroom.resources.admission_rules import FAIL
from strongroom.resources.policy_programs import BOOL, STRING, STRING_OR_NULL, PolicyCompiler
from strongroom.resources.validating_policy import ValidatingAdmissionPolicy

Compiled = Program | str
"""A program, or what is wrong with the expression (it was valid once, or nobody checked it)."""

_KEPT = 4096
"""Compiled policies that are kept; more than that are compiled again when they are needed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One validation: its programs, and what it says."""

    source: Validation
    program: Compiled
    message: Program | None


@dataclass(frozen=True, slots=True)
class Note:
    """One audit annotation."""

    key: str
    expression: str
    program: Compiled


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """All programs of a policy. ``fails`` says that errors refuse, and are not ignored."""

    fails: bool
    conditions: tuple[tuple[str, Compiled], ...]
    variables: tuple[tuple[str, Compiled], ...]
    rules: tuple[Rule, ...]
    notes: tuple[Note, ...]


class CompiledPolicies:
    """Compiles policies when they are first used, and again when their spec has changed."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], CompiledPolicy] = {}

    def get(self, policy: ValidatingAdmissionPolicy) -> CompiledPolicy:
        """The programs of a policy as it is now."""
        key = (policy.metadata.uid, policy.metadata.generation)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = _compile(policy)
            while len(self._made) > _KEPT:
                del self._made[next(iter(self._made))]
        return found


def _compile(policy: ValidatingAdmissionPolicy) -> CompiledPolicy:
    spec = policy.spec
    compiler = PolicyCompiler(params=spec.paramKind is not None)
    conditions = tuple(
        (condition.expression, _tried(compiler.compile, condition.expression.strip(), BOOL))
        for condition in spec.matchConditions
    )
    variables = tuple(
        (one.name, _tried(compiler.add_variable, one.name, one.expression))
        for one in spec.variables
    )
    rules = tuple(_rule(compiler, validation) for validation in spec.validations)
    notes = tuple(
        Note(
            one.key,
            one.valueExpression,
            _tried(compiler.compile, one.valueExpression.strip(), STRING_OR_NULL),
        )
        for one in spec.auditAnnotations
    )
    return CompiledPolicy(spec.failurePolicy in (None, FAIL), conditions, variables, rules, notes)


def _rule(compiler: PolicyCompiler, validation: Validation) -> Rule:
    message: Compiled = ""
    if validation.messageExpression:
        message = _tried(_message, compiler, validation.messageExpression)
    program = _tried(compiler.compile, validation.expression, BOOL)
    return Rule(validation, program, None if isinstance(message, str) else message)


def _message(compiler: PolicyCompiler, expression: str) -> Program:
    return compiler.compile(expression, STRING, authorizer=False)


def _tried(
    compile_: Callable[..., Program], *args: str | Sequence[str] | PolicyCompiler
) -> Compiled:
    try:
        return compile_(*args)
    except CompileError as error:
        return str(error)
