"""`$(VAR)` expansion: upstream's rules, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.node.expansion import expand

_VARIABLES = {
    "VAR_A": "A",
    "VAR_B": "B",
    "VAR_C": "C",
    "VAR_REF": "$(VAR_A)",
    "VAR_EMPTY": "",
    "with space": "S",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)$(VAR_B)-$(VAR_A)", "AB-A"),
        ("$(VAR_EMPTY)", ""),
        ("$(with space)", "S"),
        # What a variable expands to isn't looked at again.
        ("$(VAR_REF)", "$(VAR_A)"),
        # Unknown references and everything that isn't one stay.
        ("$(VAR_DNE)", "$(VAR_DNE)"),
        ("$()", "$()"),
        ("$VAR_A ${VAR_A} $ (VAR_A)", "$VAR_A ${VAR_A} $ (VAR_A)"),
        ("$(VAR_A", "$(VAR_A"),
        ("f000-$(VAR_A))", "f000-A)"),
        ("$((VAR_A))", "$((VAR_A))"),
        ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
        ("$é$(VAR_A)", "$éA"),
        ("foo$", "foo$"),
        # Each `$$` is one escaped sign.
        ("$$(VAR_A)", "$(VAR_A)"),
        ("$$$(VAR_A)", "$A"),
        ("$$$$(VAR_A)", "$$(VAR_A)"),
        ("$$$$$(VAR_A)", "$$A"),
        ("$$", "$"),
        ("foo$$", "foo$"),
        ("$(VAR_A)$$", "A$"),
        ("$$VAR_A", "$VAR_A"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, _VARIABLES) == expected


@given(st.text())
def test_an_escaped_text_comes_back_whole(text: str) -> None:
    assert expand(text.replace("$", "$$"), _VARIABLES) == text


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_a_text_without_references_stays(text: str) -> None:
    assert expand(text, _VARIABLES) == text
