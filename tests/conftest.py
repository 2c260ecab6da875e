"""What every test shares: the marker for real parts."""

import pytest
from hypothesis import HealthCheck, settings

from tests.parts import require_part

# No test depends on how fast the machine is, so generated ones have no deadline either.
settings.register_profile("strongroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("strongroom")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under CI fail, a test whose `needs(...)` parts are missing."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require_part(name)
