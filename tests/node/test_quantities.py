"""Quantities are exact numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from strongroom.node.quantities import divided, parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", Fraction(1, 4)),
        ("1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("64Mi", 64 * 2**20),
        ("2k", 2000),
        ("1e3", 1000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("-1", -1),
    ],
)
def test_every_form(text: str, number: Fraction) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "m", "1x", "1 Gi", "1.2.3", "٣"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


def test_division_rounds_up_and_the_default_divisor_is_one() -> None:
    assert divided(parse_quantity("250m"), "") == 1
    assert divided(parse_quantity("250m"), "1m") == 250
    assert divided(parse_quantity("64Mi"), "1Mi") == 64
    assert divided(parse_quantity("65M"), "1Mi") == 62
    assert divided(parse_quantity("3"), "0") == 3
