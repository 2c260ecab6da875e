"""Quantities: canonical texts as upstream stores them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.resources.pod import Pod
from strongroom.resources.quantity import (
    canonical_quantity,
    canonicalize_quantities,
    is_quantity,
    parse_quantity,
)
from tests.resources.making import made


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.", "1"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("100e3", "100e3"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("1E", "1E"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("-1", "-1"),
        ("+2", "2"),
        ("100n", "100n"),
        ("0.1n", "1n"),
        ("12345678901234567890", "9223372036854775807"),
    ],
)
def test_canonical_texts(text: str, canonical: str) -> None:
    assert canonical_quantity(text) == canonical


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "a", "1Kb", "1mi", "--1", "1e", "1e9999", "9" * 65]
)
def test_what_is_no_quantity(text: str) -> None:
    assert not is_quantity(text)


def test_values() -> None:
    assert parse_quantity("1Ki") == 1024
    assert parse_quantity("-1m") == Decimal("-0.001")


@given(
    st.integers(-(10**15), 10**15), st.sampled_from(["", "n", "u", "m", "k", "M", "Ki", "Mi", "e2"])
)
def test_the_canonical_text_has_the_same_value_and_is_stable(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    canonical = canonical_quantity(text)
    assert parse_quantity(canonical) == parse_quantity(text)
    assert canonical_quantity(canonical) == canonical


def test_all_quantities_of_an_object_are_rewritten_and_nonsense_is_kept() -> None:
    resources = {"limits": {"cpu": "0.0001", "memory": "lots"}}
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}]
    spec = {"containers": [{"name": "c", "resources": resources}], "volumes": volumes}
    pod = made({"spec": spec}, Pod)
    canonicalize_quantities(pod)
    assert pod.spec.containers[0].resources.limits == {"cpu": "1m", "memory": "lots"}
    assert pod.spec.volumes[0].emptyDir is not None
    assert pod.spec.volumes[0].emptyDir.sizeLimit == "1Gi"
