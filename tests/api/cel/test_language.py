"""The language: values, operators, macros, errors; every line is an expression and its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from strongroom.api.cel import CelError, CompileError, MapList, SetList, UInt, compile_expression

SELF = {
    "a": 1,
    "s": "abc",
    "l": list(range(10)),
    "m": {"x": 1, "y": 2},
    "n": None,
    "f": 1.5,
    "deep": [{"name": "a", "port": 80}, {"name": "b", "port": 443}],
}


def value(expression: str) -> Any:
    return compile_expression(expression, ["self"]).evaluate({"self": SELF})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7.0 / 2.0", 3.5),
        ("3u + 4u", 7),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("b'a' + b'b'", b"ab"),
        ("dyn(1) == 1.0", True),
        ("dyn(1) == true", False),
        ("[1, 2] == [1, 2]", True),
        ("{'a': 1, 'b': [2]} == {'b': [2], 'a': 1}", True),
        ("self.n == null", True),
        ("1 < 2.0 && 1u < 2 && 2.5 > 1u", True),
        ("'a' < 'b'", True),
        ("self.a == 1 ? 'one' : 'more'", "one"),
        ("true || self.missing == 1", True),
        ("self.missing == 1 || true", True),
        ("self.missing == 1 && false", False),
        ("3 in self.l", True),
        ("'x' in self.m", True),
        ("has(self.m.x) && !has(self.m.z)", True),
        ("self['a']", 1),
        ("self.l[2] + self.l[dyn(1.0)]", 3),
        ("self.?m.?x.orValue(0)", 1),
        ("self.?missing.x.orValue(7)", 7),
        ("self[?'a'].hasValue()", True),
        ("self.l[?20].hasValue()", False),
        ("[?self.?a, ?self.?b]", [1]),
        ("{?'a': self.?a, ?'b': self.?b}", {"a": 1}),
        ("self.?a.optMap(x, x + 1).value()", 2),
        ("optional.none().or(optional.of(3)).value()", 3),
        ("optional.ofNonZeroValue('').hasValue()", False),
        ("optional.unwrap([optional.of(1), optional.none()])", [1]),
        ("self.l.all(x, x >= 0)", True),
        ("self.l.exists(x, x > 8)", True),
        ("self.l.exists_one(x, x == 3)", True),
        ("self.l.filter(x, x > 6)", [7, 8, 9]),
        ("self.l.map(x, x > 6, x * 2)", [14, 16, 18]),
        ("self.m.map(k, k)", ["x", "y"]),
        ("self.l.all(x, self.l.exists(y, x == y))", True),
        ("self.l.exists(x, 10 / x == 5)", True),
        ("self.m.all(k, v, v > 0)", True),
        ("self.l.exists(i, v, i != v)", False),
        ("self.m.existsOne(k, v, v == 2)", True),
        ("self.l.transformList(i, v, i > 7, v * 10)", [80, 90]),
        ("self.m.transformMap(k, v, v + 1)", {"x": 2, "y": 3}),
        ("self.m.transformMapEntry(k, v, {string(v): k})", {"1": "x", "2": "y"}),
        ("cel.bind(x, self.a + 1, x * x)", 4),
        ("cel.bind(x, 'outer', ['in'].map(x, x)[0] + x)", "inouter"),
        ("type(self.a) == int && type('') == string && type(self.l) == list", True),
        ("int('42') + int(3.9) + int(4u)", 49),
        ("uint(3) == 3u", True),
        ("double('1.5') * 2.0", 3.0),
        (
            "[string(1.0), string(1.5), string(1e7), string(-0.0001), string(1e-5)]",
            ["1", "1.5", "1e+07", "-0.0001", "1e-05"],
        ),
        ("[string(true), string(b'x'), string(7u)]", ["true", "x", "7"]),
        ("bool('true')", True),
        ("size(self.l) + size('äö') + size({'a': 1})", 13),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("self.missing", "no such key: missing"),
        ("self.a.b", "no such key: b"),
        ("self.l[10]", "index out of bounds: 10"),
        ("self.l[self.a + 20]", "index out of bounds"),
        ("self[self.s]", "no such key"),
        ("self.a + self.s", "no such overload"),
        ("self.s > self.a", "no such overload"),
        ("self.a && true", "no such overload"),
        ("1 / (self.a - 1)", "division by zero"),
        ("1 % (self.a - 1)", "modulus by zero"),
        ("9223372036854775807 + self.a", "integer overflow"),
        ("0u - 1u", "unsigned integer overflow"),
        ("optional.none().value()", "optional.none() dereference"),
        ("int(self.s)", "type conversion error from 'string' to 'int'"),
        ("self.l.all(x, x / 0 == 1)", "division by zero"),
        ("{'a': 1, 'a': 2}", "insert failed: key already exists"),
        ("self.s.matches('(' + self.s)", "error parsing regexp: missing closing ): `(abc`"),
    ],
)
def test_errors(expression: str, message: str) -> None:
    with pytest.raises(CelError) as failure:
        value(expression)
    assert str(failure.value) == message


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "1 +",
            (
                "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', "
                "'{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
                "STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^"
            ),
        ),
        (
            "object.spec.x == 1",
            (
                "ERROR: <input>:1:1: undeclared reference to 'object' (in container '')\n"
                " | object.spec.x == 1\n | ^"
            ),
        ),
        (
            "self.a == 1 && ('a' + 1 == 'b')",
            (
                "ERROR: <input>:1:21: found no matching overload for '_+_' applied to "
                "'(string, int)'\n"
                " | self.a == 1 && ('a' + 1 == 'b')\n | ....................^"
            ),
        ),
    ],
)
def test_what_does_not_compile(expression: str, message: str) -> None:
    with pytest.raises(CompileError) as failure:
        value(expression)
    assert str(failure.value) == f"compilation failed: {message}"


@pytest.mark.parametrize(
    ("expression", "result", "message"),
    [
        ("self.a", ("bool",), "must evaluate to bool but got dyn"),
        ("'a'", ("bool",), "must evaluate to bool but got string"),
        ("1", ("string", "null_type"), "must evaluate to one of [string null_type] but got int"),
    ],
)
def test_results_of_the_wrong_type(expression: str, result: tuple[str, ...], message: str) -> None:
    with pytest.raises(CompileError) as failure:
        compile_expression(expression, ["self"], result=result)
    assert str(failure.value) == message


def test_declared_types_are_checked() -> None:
    with pytest.raises(CompileError, match=r"'_\+_' applied to '\(int, string\)'"):
        compile_expression("n + 'a'", {"n": "int"})
    assert compile_expression("n + 1", {"n": "int"}).result_type == "int"
    assert compile_expression("l.map(x, x)", {"l": "list<string>"}).result_type == "list<string>"


def test_sets_and_maps_of_kubernetes_are_without_order() -> None:
    names = ["a", "b"]
    equal = compile_expression("a == b", names)
    assert equal.evaluate({"a": SetList([1, 2]), "b": [2, 1]})
    assert not equal.evaluate({"a": [1, 2], "b": [2, 1]})
    left = MapList([{"k": "a", "v": 1}, {"k": "b", "v": 2}], ["k"])
    assert equal.evaluate({"a": left, "b": [{"k": "b", "v": 2}, {"k": "a", "v": 1}]})
    add = compile_expression("a + b", names)
    assert add.evaluate({"a": SetList([1, 2]), "b": [2, 3]}) == [1, 2, 3]
    merged = add.evaluate({"a": left, "b": [{"k": "b", "v": 3}]})
    assert merged == [{"k": "a", "v": 1}, {"k": "b", "v": 3}]


class Lazy(Mapping[str, Any]):
    """Variables that count how often they are asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return {"a": 1, "b": 2}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


def test_variables_are_asked_for_once_and_only_when_they_are_named() -> None:
    lazy = Lazy()
    assert compile_expression("a + a == 2 || b == 1", ["a", "b"]).evaluate(lazy) is True
    assert lazy.asked == ["a"]


def test_results_are_plain() -> None:
    result = compile_expression("[1u, 2u]", []).evaluate({})
    assert result == [1, 2]
    assert not any(isinstance(item, UInt) for item in result)
