"""Selectors: what matches, how they print, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.errors import StatusError
from strongroom.api.selectors import (
    FieldRequirement,
    FieldSelector,
    LabelOperator,
    LabelRequirement,
    LabelSelector,
)

LABELS = {"app": "web", "tier": "front", "size": "10", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("other!=web", True),
        ("other=", False),
        ("empty=", True),
        ("app in (db, web)", True),
        ("app in (db)", False),
        ("other in (web)", False),
        ("app notin (db)", True),
        ("other notin (web)", True),
        ("app notin (web)", False),
        ("empty in ()", True),
        ("app", True),
        ("other", False),
        ("!app", False),
        ("!other", True),
        ("! other", True),
        ("size>9", True),
        ("size>10", False),
        ("size<11", True),
        ("app>1", False),
        ("other<1", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        (" app = web , tier in ( front ) ", True),
        ("example.com/x notin (a),app", True),
    ],
)
def test_label_selector_matches(text: str, matches: bool) -> None:
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("b=1,a", "a,b=1"),
        ("x in (foo,,baz),y,z notin ()", "x in (,baz,foo),y,z notin ()"),
        ("x in (b,a,b)", "x in (a,b)"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("a!=b", "a!=b"),
        ("a==b", "a==b"),
        ("!a", "!a"),
        ("a>1,b<2", "a>1,b<2"),
        ("a=", "a="),
        ("a in (,)", "a in ()"),
    ],
)
def test_label_selector_prints_canonically(text: str, canonical: str) -> None:
    selector = LabelSelector.parse(text)
    assert str(selector) == canonical
    assert LabelSelector.parse(canonical) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        (
            "a b",
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
        ),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("(", "found '(', expected: !, identifier, or 'end of string'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (,b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        (
            "a>x",
            (
                'unable to parse requirement: values[0]: Invalid value: "x": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
    ],
)
def test_label_selector_syntax_errors(text: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        LabelSelector.parse(text)
    assert caught.value.code == 400
    assert str(caught.value) == message


def test_label_selector_checks_keys_and_values() -> None:
    with pytest.raises(StatusError, match="unable to parse requirement: <nil>: Invalid value"):
        LabelSelector.parse("-a=b")
    with pytest.raises(StatusError, match=r'values\[0\]\[a\]: Invalid value: "b@"'):
        LabelSelector.parse("a=b@")
    with pytest.raises(StatusError, match="must be no more than 63 bytes"):
        LabelSelector.parse("a=" + "b" * 64)


def test_label_selector_requires_exact() -> None:
    assert LabelSelector.parse("a=b").requires_exact("a") == "b"
    assert LabelSelector.parse("a in (b)").requires_exact("a") == "b"
    assert LabelSelector.parse("a in (b,c)").requires_exact("a") is None
    assert LabelSelector.parse("a!=b").requires_exact("a") is None
    assert LabelSelector.parse("a=b").requires_exact("c") is None


def test_everything_is_empty() -> None:
    assert LabelSelector.parse("").empty
    assert FieldSelector.parse("").empty
    assert not LabelSelector.parse("a").empty
    assert not FieldSelector.parse("a=b").empty


def test_selector_of_labels() -> None:
    selector = LabelSelector.from_labels({"b": "2", "a": "1"})
    assert str(selector) == "a=1,b=2"
    assert selector.matches({"a": "1", "b": "2", "c": "3"})
    assert not selector.matches({"a": "1"})


keys = st.from_regex(r"[a-z]([a-z0-9.-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda k: k not in ("in", "notin")
)
values = st.from_regex(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,8}[A-Za-z0-9])?)?", fullmatch=True)


OPERATORS: list[LabelOperator] = ["in", "notin", "=", "==", "!=", "exists", "!"]


@st.composite
def requirements(draw: st.DrawFn) -> LabelRequirement:
    operator = draw(st.sampled_from(OPERATORS))
    if operator in ("exists", "!"):
        return LabelRequirement(draw(keys), operator)
    if operator in ("in", "notin"):
        several = draw(st.sets(values, min_size=1, max_size=4))
        return LabelRequirement(draw(keys), operator, tuple(sorted(several)))
    return LabelRequirement(draw(keys), operator, (draw(values),))


@given(st.lists(requirements(), max_size=5))
def test_printed_label_selector_reads_back(conditions: list[LabelRequirement]) -> None:
    selector = LabelSelector(tuple(sorted(conditions, key=lambda r: r.key)))
    assert LabelSelector.parse(str(selector)) == selector


@given(st.text(alphabet="abin ot(),=!<>\x00-/", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (LabelSelector.parse, FieldSelector.parse):
        try:
            selector = parse(text)
        except StatusError:
            # The only way to refuse a text; anything else fails the test.
            continue
        assert str(parse(str(selector))) == str(selector)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("metadata.name=a", True),
        ("metadata.name==a", True),
        ("metadata.name=b", False),
        ("type!=Opaque", True),
        ("metadata.name=a,type!=x", True),
        ("absent=", True),
        ("absent!=", False),
        (r"type=a\,b\=c", True),
    ],
)
def test_field_selector_matches(text: str, matches: bool) -> None:
    fields = {"metadata.name": "a", "type": "a,b=c"}
    assert FieldSelector.parse(text).matches(fields) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("b=1,a", "invalid selector: 'b=1,a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_field_selector_errors(text: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        FieldSelector.parse(text)
    assert caught.value.code == 400
    assert str(caught.value) == message


def test_field_selector_requires_exact() -> None:
    selector = FieldSelector.parse("metadata.name=a,type!=b")
    assert selector.requires_exact("metadata.name") == "a"
    assert selector.requires_exact("type") is None


@given(
    st.lists(
        st.builds(
            FieldRequirement,
            st.from_regex(r"[a-z]+(\.[a-z]+)?", fullmatch=True),
            st.text(alphabet="ab,=\\ é", max_size=6),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_printed_field_selector_reads_back(conditions: list[FieldRequirement]) -> None:
    selector = FieldSelector(tuple(conditions))
    again = FieldSelector.parse(str(selector))
    assert set(again.requirements) == set(selector.requirements)


@pytest.mark.parametrize("parse", [LabelSelector.parse, FieldSelector.parse])
def test_a_selector_has_a_bounded_number_of_conditions(parse: Callable[[str], object]) -> None:
    """Each is tried on each object of a list."""
    parse(",".join(["a!=b"] * 500))
    with pytest.raises(StatusError, match="more than 500 requirements"):
        parse(",".join(["a!=b"] * 501))


def test_a_condition_may_name_many_values() -> None:
    values = [f"v{i}" for i in range(1000)]
    selector = LabelSelector.parse(f"a in ({','.join(values)})")
    assert all(selector.matches({"a": value}) for value in values)
    assert not selector.matches({"a": "v"})
    assert not selector.matches({"a": "w"})
