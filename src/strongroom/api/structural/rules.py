"""CEL rules of schemas (``x-kubernetes-validations``), run.

A rule that does not look at ``oldSelf`` is not held against a value that has not changed. A rule
that does is run only where there is an old value, unless it takes that as an optional.
(``apiserver/schema/cel`` of apiextensions-apiserver)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.api.cel import Budget, CelBudgetError, CelError, Program
from strongroom.api.cel.values import NONE, Optional
from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, duplicate, forbidden_field, invalid_value, required
from strongroom.api.structural.celvalues import cel_value, escape
from strongroom.api.structural.correlation import ABSENT, OldItems, same
from strongroom.api.structural.model import Rule, Structural, has_rules
from strongroom.api.structural.rulecompiling import Compiled, compiled_rules

_MAX_MESSAGE = 5 * 1024
_NOWHERE = Path("<nil>")
_OVER_BUDGET = (
    "validation failed due to running out of cost budget, no further validation rules will be run"
)


class _Link:
    """A value and the old one that it replaces, and whether the two are the same."""

    __slots__ = ("_same", "new", "old")

    def __init__(self, new: Any, old: Any) -> None:
        self.new, self.old = new, old
        self._same: bool | None = None

    @property
    def unchanged(self) -> bool:
        if self._same is None:
            self._same = same(self.new, self.old)
        return self._same


@dataclass(frozen=True, slots=True)
class _Kinship:
    """What a value replaces: ``own`` if it is known, else the nearest thing around it that is."""

    own: _Link | None = None
    nearest: _Link | None = None

    @property
    def unchanged(self) -> bool:
        link = self.own or self.nearest
        return link is not None and link.unchanged

    def below(self, new: Any, old: Any) -> _Kinship:
        """That of a value inside."""
        if self.own is None:
            return self
        return _Kinship(None if old is ABSENT else _Link(new, old), self.own)


_STRANGER = _Kinship()


class _ExhaustedError(Exception):
    """No rule can be run any more; what was found is with the run."""


def check_rules(
    tree: Any,
    schema: Structural,
    old: Any = ABSENT,
    path: Path | None = None,
    *,
    root: bool = False,
) -> list[FieldError]:
    """All findings of the rules of a schema and those below it.

    ``root`` says that the tree is a whole object with metadata.
    """
    if not has_rules(schema):
        return []
    run = _Run()
    kinship = _STRANGER if old is ABSENT else _Kinship(_Link(tree, old))
    value = cel_value(tree, schema, whole=root)
    before = ABSENT if old is ABSENT or old is None else cel_value(old, schema, whole=root)
    place = _Place(schema, path if path is not None else Path(), root=root)
    try:
        run.check(place, tree, value, old, before, kinship)
    except _ExhaustedError:
        return run.found
    return run.found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the object rules are run."""

    schema: Structural
    path: Path
    root: bool = False


class _Run:
    """One object's rules. A value goes along in two forms: as it is, and as rules see it."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []
        self._budget = Budget()

    def check(
        self, place: _Place, tree: Any, value: Any, old: Any, before: Any, kinship: _Kinship
    ) -> None:
        schema = place.schema
        if tree is None or not has_rules(schema):
            return
        for compiled in compiled_rules(schema, root=place.root):
            self._rule(compiled, place, tree, value, before, kinship)
        if type(tree) is list and schema.items is not None:
            self._items(place, tree, old, kinship)
        elif type(tree) is dict:
            self._fields(place, tree, value, old, before, kinship)

    def _items(self, place: _Place, tree: list[Any], old: Any, kinship: _Kinship) -> None:
        schema, items = place.schema, place.schema.items
        if items is None or not has_rules(items):
            return
        olds = OldItems(schema, old)
        for i, item in enumerate(tree):
            other = olds.of(item)
            before = ABSENT if other is ABSENT else cel_value(other, items)
            at = _Place(items, place.path.index(i))
            inner = kinship.below(item, other)
            self.check(at, item, cel_value(item, items), other, before, inner)

    def _fields(
        self,
        place: _Place,
        tree: dict[str, Any],
        value: Any,
        old: Any,
        before: Any,
        kinship: _Kinship,
    ) -> None:
        schema = place.schema
        for name, item in tree.items():
            field = schema.properties.get(name)
            inner = field or schema.values
            if inner is None or not has_rules(inner):
                continue
            said = name if field is None else escape(name)
            other = old.get(name, ABSENT) if type(old) is dict else ABSENT
            seen = _seen(value, said, item, inner)
            seen_before = ABSENT if other in (ABSENT, None) else _seen(before, said, other, inner)
            path = place.path.key(name) if field is None else place.path / name
            hidden = place.root and name in ("kind", "apiVersion")
            kin = _STRANGER if hidden else kinship.below(item, other)
            self.check(_Place(inner, path), item, seen, other, seen_before, kin)

    def _rule(
        self,
        compiled: Compiled,
        place: _Place,
        tree: Any,
        value: Any,
        before: Any,
        kinship: _Kinship,
    ) -> None:
        at = place.path if str(place.path) else _NOWHERE
        if compiled.wrong or compiled.program is None:
            self._fail(place, f"rule compile error: {compiled.wrong}")
            return
        if compiled.uses_old and before is ABSENT and not compiled.optional:
            return
        variables = _variables(compiled, value, before)
        if self._holds(compiled, compiled.program, variables, place):
            return
        if not compiled.uses_old and kinship.unchanged:
            return
        if compiled.field_path:
            at = place.path / compiled.field_path
        detail = self._message(compiled, variables, place)
        self.found.append(_finding(compiled.rule, at, place.schema, tree, detail))

    def _holds(
        self, compiled: Compiled, program: Program, variables: dict[str, Any], place: _Place
    ) -> bool:
        """True also if the rule ended in an error, which is told here."""
        try:
            return program.evaluate(variables, budget=self._budget) is True
        except CelBudgetError as error:
            if error.overall:
                self._fail(place, _OVER_BUDGET)
            else:
                self._fail(
                    place,
                    f"'{error}': no further validation rules will be run due to call cost exceeds "
                    f"limit for rule: {compiled.named}",
                )
            raise _ExhaustedError from None
        except CelError as error:
            if str(error).startswith("no such overload"):
                detail = (
                    f"'{error}': call arguments did not match a supported operator, function or "
                    f"macro signature for rule: {compiled.named}"
                )
            else:
                detail = f"{error} evaluating rule: {compiled.named}"
            self._fail(place, detail)
            return True

    def _message(self, compiled: Compiled, variables: dict[str, Any], place: _Place) -> str:
        rule = compiled.rule
        otherwise = rule.message.strip() if rule.message else f"failed rule: {compiled.named}"
        if compiled.message is None:
            return otherwise
        try:
            text = compiled.message.evaluate(variables, budget=self._budget)
        except CelBudgetError:
            detail = (
                "messageExpression evaluation failed due to running out of cost budget, no further "
                "validation rules will be run"
            )
            self._fail(place, detail)
            raise _ExhaustedError from None
        except CelError:
            return otherwise
        text = text.strip() if isinstance(text, str) else ""
        fits = text and len(text.encode()) <= _MAX_MESSAGE and "\n" not in text
        return text if fits else otherwise

    def _fail(self, place: _Place, detail: str) -> None:
        at = place.path if str(place.path) else _NOWHERE
        self.found.append(invalid_value(at, place.schema.type, detail))


def _seen(outer: Any, said: str | None, item: Any, schema: Structural) -> Any:
    """A field as rules see it: found in what holds it, unless its name cannot be said there."""
    if said is not None and isinstance(outer, dict) and said in outer:
        return outer[said]
    return cel_value(item, schema)


def _variables(compiled: Compiled, value: Any, before: Any) -> dict[str, Any]:
    variables = {"self": value}
    if compiled.optional:
        variables["oldSelf"] = NONE if before is ABSENT else Optional(before)
    elif before is not ABSENT:
        variables["oldSelf"] = before
    return variables


def _finding(rule: Rule, at: Path, schema: Structural, tree: Any, detail: str) -> FieldError:
    # Objects and lists are not printed.
    whole = schema.type in ("object", "array")
    if rule.reason == "FieldValueForbidden":
        return forbidden_field(at, detail)
    if rule.reason == "FieldValueRequired":
        return required(at, detail)
    if rule.reason == "FieldValueDuplicate":
        if whole:
            return FieldError("FieldValueDuplicate", str(at), "Duplicate value")
        return duplicate(at, tree)
    if whole:
        return FieldError("FieldValueInvalid", str(at), f"Invalid value: {detail}")
    return invalid_value(at, tree, detail)
