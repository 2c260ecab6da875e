"""Expressions and data that want to hold up, fill or crash the process."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from strongroom.api.cel import (
    Budget,
    CelBudgetError,
    CelError,
    CompileError,
    compile_expression,
)
from strongroom.api.regexps import PatternError, compile_pattern

LIST = list(range(2000))


def doubling(start: str, times: int) -> str:
    """An expression that doubles a value again and again, twenty of them at most nested."""
    names = [f"x{i}" for i in range(times + 1)]
    text = f"size({names[-1]})"
    for i in range(times, 0, -1):
        text = f"cel.bind({names[i]}, {names[i - 1]} + {names[i - 1]}, {text})"
    return f"cel.bind({names[0]}, {start}, {text})"


@pytest.mark.parametrize(
    "expression",
    [
        "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))",
        "l.map(a, l.map(b, a * b)).size() > 0",
        "l.exists(a, l.map(b, string(a) + string(b)).size() < 0)",
        doubling("'" + "x" * 1000 + "'", 20),
        doubling("[1, 2, 3, 4]", 20),
        "lists.range(900000).map(x, 'x').join('x').replace('x', '" + "y" * 5000 + "').size() > 0",
        "lists.range(100000000).size() > 0",
        "l.map(x, l).flatten().distinct().size() > 0",
        "'%s'.format([l.map(x, l)]).size() > 0",
        "l.all(x, l == l.map(y, y))",
    ],
)
def test_work_is_bounded(expression: str) -> None:
    with pytest.raises(CelError) as failure:
        compile_expression(expression, ["l"]).evaluate({"l": LIST})
    assert str(failure.value) in (
        "operation cancelled: actual cost limit exceeded",
        "no such overload",
    )


def test_what_all_expressions_of_a_request_may_cost_is_bounded_too() -> None:
    program = compile_expression("l.all(x, x >= 0)", ["l"])
    budget = Budget(total=20_000)
    assert program.evaluate({"l": LIST}, budget=budget) is True
    with pytest.raises(CelBudgetError) as failure:
        program.evaluate({"l": LIST * 4}, budget=budget)
    assert failure.value.overall


def test_no_time_left_is_no_time() -> None:
    program = compile_expression("l.all(x, x >= 0)", ["l"])
    with pytest.raises(CelBudgetError) as failure:
        program.evaluate({"l": LIST}, budget=Budget(seconds=0.0))
    assert failure.value.overall


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000 + "]" * 5000,
        "+".join(["1"] * 10_000),
        "self" + ".a" * 1000,
        "true ? 1 : " * 5000 + "1",
        "'" + "x" * 40_000 + "'",
        "\x00",
        "\ud800",
        "self.a(",
        "`",
        "foo.Bar{a: 1}",
    ],
)
def test_what_is_too_deep_or_long_does_not_compile(expression: str) -> None:
    with pytest.raises(CompileError):
        compile_expression(expression, ["self"])


def test_data_may_be_deeper_than_the_stack() -> None:
    nothing: list[Any] = []
    deep = reduce(lambda inner, _: [inner], range(50_000), nothing)
    other = reduce(lambda inner, _: [inner], range(50_000), nothing)
    program = compile_expression("a == b", ["a", "b"])
    with pytest.raises(CelError, match="evaluation exceeds the maximum depth"):
        program.evaluate({"a": deep, "b": other})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a|aa)+$", "(.*)*x", "(x+x+)+y"])
def test_patterns_take_linear_time(pattern: str) -> None:
    assert not compile_pattern(pattern).matches("a" * 100_000 + "!")


@pytest.mark.parametrize(
    "pattern", ["(a{1,1000}){1,1000}", "(", "a{1001}", "(?=a)", r"\1", "[z-a]"]
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternError, match="error parsing regexp: "):
        compile_pattern(pattern)


def test_a_macro_leaves_no_names_behind() -> None:
    program = compile_expression("[1].map(x, x)[0] + x", ["x"])
    assert program.evaluate({"x": 5}) == 6
    assert program.evaluate({"x": 7}) == 8
