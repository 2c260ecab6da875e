"""CEL rules of schemas (``x-kubernetes-validations``), compiled and judged before anything is run.

A rule is refused when it does not compile, asks for what the schema does not have, or could never
be run within its budget. (``apiserver/schema/cel`` of apiextensions-apiserver)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from strongroom.api.cel import CelError, Program, compile_expression
from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, forbidden_field, invalid_value
from strongroom.api.structural.celvalues import declaration
from strongroom.api.structural.model import Rule, Structural, has_rules
from strongroom.api.structural.paths import resolve
from strongroom.api.structural.ruletypes import Scope, expression_of, look
from strongroom.api.structural.sizes import inside, occurrences

_COST_LIMIT = 10_000_000
_ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, "
    "maps, and strings are declared)"
)


@dataclass(slots=True, eq=False)
class Compiled:
    """A rule, ready to run; or why it is not."""

    rule: Rule
    program: Program | None = None
    message: Program | None = None
    uses_old: bool = False
    cost: int = 0
    field_path: str = ""
    wrong: str = ""
    wrong_message: str = ""

    @property
    def optional(self) -> bool:
        return bool(self.rule.optional_old_self)

    @property
    def named(self) -> str:
        """What messages call the rule."""
        return self.rule.message.strip() or self.rule.rule.strip()


def compile_rules(schema: Structural, path: Path) -> list[FieldError]:
    """Compile the rules of a whole object's schema; all findings on those that do not."""
    compiled_rules(schema, root=True)
    return _compile_below(schema, path, _Around())


@dataclass(frozen=True, slots=True)
class _Around:
    """What is around a schema: the first list above whose items cannot be matched with their old
    ones, and how often a value can stand here, if that is bounded.
    """

    loose: Path | None = None
    times: int | None = 1

    def entry(self, schema: Structural) -> _Around:
        """The surroundings of a map's values."""
        return replace(self, times=inside(self.times, schema.max_properties))

    def item(self, schema: Structural, path: Path) -> _Around:
        """The surroundings of a list's items."""
        loose = self.loose if self.loose is not None or schema.list_type == "map" else path
        return _Around(loose, inside(self.times, schema.max_items))


def _compile_below(schema: Structural, path: Path, around: _Around) -> list[FieldError]:
    if not has_rules(schema):
        return []
    found: list[FieldError] = []
    for name, field in schema.properties.items():
        found += _compile_below(field, (path / "properties").key(name), around)
    if schema.values is not None:
        entry = around.entry(schema)
        found += _compile_below(schema.values, path / "additionalProperties", entry)
    if schema.items is not None:
        found += _compile_below(schema.items, path / "items", around.item(schema, path))
    times = around.times if around.times is not None else occurrences(schema)
    for i, compiled in enumerate(compiled_rules(schema)):
        at = (path / "x-kubernetes-validations").index(i)
        if (cost := compiled.cost * times) > _COST_LIMIT:
            found.append(forbidden_field(at / "rule", _costly(cost)))
        found += _judge(compiled, at, around.loose)
    return found


def _costly(cost: int) -> str:
    factor = cost / _COST_LIMIT
    if factor > 100:
        told = "more than 100x"
    else:
        told = f"{factor:.6f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"estimated rule cost exceeds budget by factor of {told} {_ADVICE}"


def _judge(compiled: Compiled, at: Path, loose: Path | None) -> list[FieldError]:
    found, rule = [], compiled.rule
    if compiled.wrong:
        found.append(invalid_value(at / "rule", rule.printed, compiled.wrong))
    if compiled.wrong_message:
        where = at / "messageExpression"
        found.append(invalid_value(where, rule.printed, compiled.wrong_message))
    if compiled.uses_old:
        if loose is not None:
            detail = (
                f"oldSelf cannot be used on the uncorrelatable portion of the schema within {loose}"
            )
            found.append(invalid_value(at / "rule", rule.rule, detail))
    elif rule.optional_old_self is not None and not compiled.wrong:
        detail = "may not be set if oldSelf is not used in rule"
        found.append(invalid_value(at / "optionalOldSelf", rule.optional_old_self, detail))
    return found


def compiled_rules(schema: Structural, *, root: bool = False) -> list[Compiled]:
    """The rules of a schema alone, compiled once; ``root`` says that it is a whole object's."""
    known: list[Compiled] | None = schema.compiled.get("rules")
    if known is None:
        whole = root or schema.embedded
        known = [_compile(rule, schema, whole=whole) for rule in schema.rules]
        schema.compiled["rules"] = known
    return known


def _compile(rule: Rule, schema: Structural, *, whole: bool) -> Compiled:
    compiled, self_type = Compiled(rule), declaration(schema)
    old_type = "dyn" if rule.optional_old_self else self_type
    variables = {"self": self_type, "oldSelf": old_type}
    scope = {"self": schema, "oldSelf": None if rule.optional_old_self else schema}
    try:
        compiled.program = compile_expression(rule.rule, variables)
        expression = expression_of(rule.rule, variables)
    except CelError as error:
        compiled.wrong = str(error)
        return compiled
    seen = look(rule.rule, expression, scope, whole=whole)
    compiled.wrong, compiled.cost = seen.wrong, seen.cost
    if not compiled.wrong and compiled.program.result_type not in ("bool", "dyn"):
        compiled.wrong = "cel expression must evaluate to a bool"
    if compiled.wrong:
        return compiled
    compiled.uses_old = "oldSelf" in seen.names
    if rule.message_expression:
        _compile_message(compiled, variables, scope, whole=whole)
    if rule.field_path:
        compiled.field_path = str(resolve(rule.field_path, schema)[0])
    return compiled


def _compile_message(
    compiled: Compiled, variables: dict[str, str], scope: Scope, *, whole: bool
) -> None:
    text = compiled.rule.message_expression
    try:
        program = compile_expression(text, variables)
        wrong = look(text, expression_of(text, variables), scope, whole=whole).wrong
    except CelError as error:
        compiled.wrong_message = f"messageExpression {error}"
        return
    if wrong:
        compiled.wrong_message = f"messageExpression {wrong}"
    elif program.result_type in ("string", "dyn"):
        compiled.message = program
    else:
        compiled.wrong_message = "messageExpression must evaluate to a string"
