"""docs/conformance.md names tests; each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "conformance.md"
NAMED = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>\w+)`")


@cache
def functions_of(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


def test_every_behaviour_has_a_test_that_exists() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| behaviour ")]
    assert len(rows) > 100
    for row in rows:
        named = NAMED.findall(row)
        assert named, f"no test is named: {row}"
        for file, name in named:
            assert name in functions_of(file), f"{file} has no {name}"


def test_every_test_of_a_behaviour_is_in_the_document() -> None:
    """A test here that bears a behaviour's name stands in the table, too."""
    text = DOCUMENT.read_text()
    for path in Path(__file__).parent.glob("test_*.py"):
        for name in functions_of(f"conformance/{path.name}"):
            if name.startswith("test_should_") and path.name != "test_pods_status.py":
                assert f"`conformance/{path.name}::{name}`" in text
