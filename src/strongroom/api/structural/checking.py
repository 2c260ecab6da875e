"""Values against their schema: types, formats, bounds, enumerations and junctors.

The rules, their order and their words are those of upstream's validator. On an update, what was
wrong before and has not changed is not told again (ratcheting), as far as old and new values can be
brought together. How much work one object may make is bounded, since alternatives multiply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, invalid_value
from strongroom.api.regexps import PatternError, compile_pattern
from strongroom.api.structural.correlation import ABSENT, OldItems, same
from strongroom.api.structural.faults import At, Fault, Faults, number_text
from strongroom.api.structural.formats import check_of, effective
from strongroom.api.structural.model import Structural

MAX_STEPS = 100_000
"""Values checked for one object, each alternative counted: half a second of work at most."""

_MAX_FLOAT32 = 3.4028234663852886e38
_MAX_JSON_INTEGER = float((1 << 53) - 1)
_TYPE_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_GO_FORMATS: dict[type, str] = {int: "int64", float: "float64"}


class _TooMuchError(Exception):
    """The schema makes too much work of this value."""


class _Run:
    """What one validation carries along."""

    __slots__ = ("faults", "steps")

    def __init__(self, base: Path) -> None:
        self.faults = Faults(base)
        self.steps = MAX_STEPS


def check(
    value: Any, schema: Structural, old: Any = ABSENT, path: Path | None = None
) -> list[FieldError]:
    """All findings on a value; ``old`` is what it replaces."""
    run = _Run(path if path is not None else Path())
    found: list[Fault] = []
    try:
        checker_of(schema).validate(value, None, old, run, found)
    except _TooMuchError:
        detail = "checking it against the schema takes too many steps"
        return [invalid_value(path if path is not None else Path("<nil>"), "", detail)]
    told: dict[str, FieldError] = {}
    for fault in found:
        # What two alternatives say in the same words is said once.
        told.setdefault(fault.message, fault.finding)
    return list(told.values())


def checker_of(schema: Structural) -> Checker:
    """The compiled form of a schema."""
    known = schema.compiled.get("checker")
    if known is None:
        known = schema.compiled["checker"] = Checker(schema)
    checker: Checker = known
    return checker


class Checker:
    """A schema, compiled."""

    def __init__(self, schema: Structural) -> None:
        self.schema = schema
        types = ("integer", "string") if schema.int_or_string else (schema.type,)
        self._types = tuple(t for t in types if t)
        self._type_text = ",".join(self._types)
        self._format = effective("" if schema.int_or_string else schema.type, schema.format)
        self._typed = bool(self._types or self._format)
        numeric = {"integer": int, "number": float, "boolean": bool, "string": str, "array": list}
        numeric["object"] = dict
        self._exact = frozenset(numeric[t] for t in self._types if t in numeric)
        self._properties = {n: checker_of(s) for n, s in schema.properties.items()}
        self._values = checker_of(schema.values) if schema.values is not None else None
        self._items = checker_of(schema.items) if schema.items is not None else None
        self._any_of = [checker_of(s) for s in schema.any_of]
        self._one_of = [checker_of(s) for s in schema.one_of]
        self._all_of = [checker_of(s) for s in schema.all_of]
        self._not = checker_of(schema.not_) if schema.not_ is not None else None
        self._junctors = bool(self._any_of or self._one_of or self._all_of or self._not)
        self._format_check = check_of(self._format) if self._format else None
        self._matches, self._pattern = _pattern(schema.pattern)
        self._bounded = any(
            bound is not None for bound in (schema.maximum, schema.minimum, schema.multiple_of)
        ) or self._format in ("int32", "float")
        self._textual = bool(
            self._matches
            or self._format_check
            or schema.max_length is not None
            or schema.min_length is not None
        )

        self.plain = self._plain_counts()
        """Kinds of scalars of which all are valid, with how many checks they pass."""

    def _plain_counts(self) -> dict[type, int]:
        counts = {str: 7, bool: 6, int: 8, float: 8}
        if self.schema.enum or self._junctors or not self._typed:
            return {}
        if self._textual:
            del counts[str]
        if self._bounded:
            del counts[int], counts[float]
        return {kind: count for kind, count in counts.items() if kind in self._exact}

    def validate(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        """Add what is wrong, unless it was there before; how many checks it has passed."""
        before = len(found)
        count = self.judge(value, at, old, run, found)
        if len(found) > before and old is not ABSENT and same(value, old):
            del found[before:]
        return count

    def judge(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        """Add what is wrong with a value; how many checks it has passed, as upstream counts."""
        run.steps -= 1
        if run.steps < 0:
            raise _TooMuchError
        if value is None:
            return self._check_null(at, run, found)
        count = 3
        if self._typed:
            fault = None if type(value) in self._exact else self._type_fault(value, at, run)
            count += 1
            if fault is None:
                count += 1
            else:
                found.append(fault)
        if self._junctors:
            count += self._check_junctors(value, at, old, run, found)
        count += self._check_kind(value, at, old, run, found)
        if self.schema.enum and not _listed(value, self.schema.enum):
            found.append(run.faults.not_listed(at, self._shown(value), self.schema.enum))
        return count + 1

    def _check_kind(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        """What only texts, objects, lists or numbers can break."""
        kind = type(value)
        if kind is str:
            if self._textual:
                self._check_text(value, at, run, found)
            return 1
        if kind is dict:
            return 1 + self._check_object(value, at, old, run, found)
        if kind is list:
            return 2 + self._check_list(value, at, old, run, found)
        if kind is bool:
            return 0
        if self._bounded:
            self._check_number(value, at, run, found)
        return 2

    def _shown(self, value: Any) -> Any:
        return "" if self._format in ("password", "byte") else value

    def _check_null(self, at: At, run: _Run, found: list[Fault]) -> int:
        if self._types and not self.schema.nullable:
            found.append(run.faults.wrong_type(at, self._type_text, "null"))
        if self.schema.enum:
            found.append(run.faults.not_listed(at, None, self.schema.enum))
        return 1

    def _type_fault(self, value: Any, at: At, run: _Run) -> Fault | None:
        kind = type(value)
        name, types = _TYPE_NAMES[kind], self._types
        integral = kind is float and "integer" in types and _is_integral(value)
        fits = name in types or integral or (kind is int and "number" in types)
        if self._format and kind is not str and kind is not list and not fits:
            got = _GO_FORMATS.get(kind, "")
            return run.faults.wrong_type(at, self._format, got)
        numeric = "number" in types or "integer" in types
        if self._format and not numeric and (kind is str or kind is list):
            return None
        return None if fits else run.faults.wrong_type(at, self._type_text, name)

    def _check_text(self, text: str, at: At, run: _Run, found: list[Fault]) -> None:
        schema, size = self.schema, len(text)
        if schema.max_length is not None and size > schema.max_length:
            found.append(run.faults.long(at, int(schema.max_length)))
        elif schema.min_length is not None and size < schema.min_length:
            should = f"should be at least {int(schema.min_length)} chars long"
            found.append(run.faults.invalid(at, text, should, self._format))
        elif self._matches is not None and not self._matches(text):
            should = f"should match '{self._pattern}'"
            found.append(run.faults.invalid(at, text, should, self._format))
        if self._format_check is not None and not self._format_check(text):
            found.append(run.faults.wrong_format(at, self._format, text))

    def _check_number(self, number: float, at: At, run: _Run, found: list[Fault]) -> None:
        schema = self.schema
        beyond = (self._format == "int32" and not -(1 << 31) <= number < 1 << 31) or (
            self._format == "float" and abs(number) > _MAX_FLOAT32
        )
        if beyond:
            found.append(run.faults.range(at, self._type_text, self._format))
        if schema.multiple_of is not None and (text := _no_multiple(number, schema.multiple_of)):
            found.append(run.faults.invalid(at, number, text))
        if schema.minimum is not None:
            low, strict = schema.minimum, schema.exclusive_minimum
            if number < low or (strict and number == low):
                than = "greater than" if strict else "greater than or equal to"
                found.append(run.faults.invalid(at, number, f"should be {than} {number_text(low)}"))
        if schema.maximum is not None:
            high, strict = schema.maximum, schema.exclusive_maximum
            if number > high or (strict and number == high):
                than = "less than" if strict else "less than or equal to"
                found.append(
                    run.faults.invalid(at, number, f"should be {than} {number_text(high)}")
                )

    def _check_list(self, items: list[Any], at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        count, schema, checker = 0, self.schema, self._items
        if checker is not None:
            olds, plain = OldItems(schema, old), checker.plain
            for i, item in enumerate(items):
                if (passed := plain.get(type(item))) is not None:
                    count += passed
                    continue
                count += checker.validate(item, (at, f"[{i}]"), olds.of(item), run, found)
        size = len(items)
        if schema.min_items is not None and size < schema.min_items:
            should = f"should have at least {int(schema.min_items)} items"
            found.append(run.faults.invalid(at, size, should))
        if schema.max_items is not None and size > schema.max_items:
            found.append(run.faults.many(at, size, int(schema.max_items), "items"))
        return count

    def _check_object(
        self, tree: dict[str, Any], at: At, old: Any, run: _Run, found: list[Fault]
    ) -> int:
        count, schema, size = 0, self.schema, len(tree)
        if schema.min_properties is not None and size < schema.min_properties:
            should = f"should have at least {int(schema.min_properties)} properties"
            found.append(run.faults.invalid(at, size, should))
        if schema.max_properties is not None and size > schema.max_properties:
            found.append(run.faults.many(at, size, int(schema.max_properties), "properties"))
        correlated = type(old) is dict
        for name, value in tree.items():
            checker = self._properties.get(name)
            if checker is None and (checker := self._values) is None:
                if schema.additional is False:
                    found.append(run.faults.forbidden_entry(at, name))
                continue
            if (passed := checker.plain.get(type(value))) is not None:
                count += passed
                continue
            before = ABSENT
            # Of kind and apiVersion both sides show the present ones.
            if correlated and (at is not None or name not in ("kind", "apiVersion")):
                before = old.get(name, ABSENT)
            count += checker.validate(value, (at, f".{name}"), before, run, found)
        found += [run.faults.missing(at, name) for name in schema.required if name not in tree]
        return count

    def _check_junctors(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        count = 0
        if self._any_of:
            count += self._check_any_of(value, at, old, run, found)
        if self._one_of:
            count += self._check_one_of(value, at, old, run, found)
        if self._all_of:
            count += self._check_all_of(value, at, old, run, found)
        if self._not is not None:
            inner: list[Fault] = []
            self._not.judge(value, at, old, run, inner)
            if not inner:
                rule = "must not validate the schema (not)"
                found.append(run.faults.alternatives(at, rule))
        return count

    def _check_any_of(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        best: tuple[int, list[Fault]] | None = None
        for checker in self._any_of:
            inner: list[Fault] = []
            count = checker.judge(value, at, old, run, inner)
            if not inner:
                return count
            if best is None or count > best[0]:
                best = count, inner
        rule = "must validate at least one schema (anyOf)"
        found.append(run.faults.alternatives(at, rule))
        return _merge(best, found)

    def _check_one_of(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        best: tuple[int, list[Fault]] | None = None
        valid, first = 0, 0
        for checker in self._one_of:
            inner: list[Fault] = []
            count = checker.judge(value, at, old, run, inner)
            if not inner:
                first = count if valid == 0 else first
                valid += 1
            elif valid == 0 and (best is None or count > best[0]):
                best = count, inner
        if valid == 1:
            return first
        told = "Found none valid" if valid == 0 else f"Found {valid} valid alternatives"
        rule = f"must validate one and only one schema (oneOf). {told}"
        found.append(run.faults.alternatives(at, rule))
        return _merge(best if valid == 0 else None, found)

    def _check_all_of(self, value: Any, at: At, old: Any, run: _Run, found: list[Fault]) -> int:
        total, valid = 0, 0
        for checker in self._all_of:
            inner: list[Fault] = []
            count = checker.judge(value, at, old, run, inner)
            valid += not inner
            total += _merge((count, inner), found)
        if valid != len(self._all_of):
            none = "" if valid else ". None validated"
            rule = f"must validate all the schemas (allOf){none}"
            found.append(run.faults.alternatives(at, rule))
        return total


def _merge(result: tuple[int, list[Fault]] | None, found: list[Fault]) -> int:
    if result is None:
        return 0
    found += result[1]
    return result[0]


def _pattern(text: str) -> tuple[Callable[[str], bool] | None, str]:
    """What says whether a text fits, and the pattern as messages tell it."""
    if not text:
        return None, ""
    try:
        return compile_pattern(text).matches, text
    except PatternError as error:
        return (lambda _: False), f"{text}, but pattern is invalid: {error}"


def _listed(value: Any, enum: list[Any]) -> bool:
    return any(same(value, listed) for listed in enum)


def _is_integral(number: float) -> bool:
    return number.is_integer() and abs(number) <= _MAX_JSON_INTEGER


def _no_multiple(number: float, factor: float) -> str:
    """What to say when a number is no multiple of the factor; nothing when it is."""
    if factor <= 0:
        return f"cannot be a multiple of {number_text(factor)}: a factor must be positive"
    should = f"should be a multiple of {number_text(factor)}"
    if isinstance(number, int) and float(factor).is_integer():
        return should if number % int(factor) else ""
    quotient = number / factor
    nearest = round(quotient)
    off = abs(quotient - nearest)
    return should if off and off / (abs(quotient) + abs(nearest)) > 1e-9 else ""
