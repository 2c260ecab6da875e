"""What every test shares: the marker for real parts."""

import pytest

from tests.parts import require_part


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under CI fail, a test whose `needs(...)` parts are missing."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require_part(name)
