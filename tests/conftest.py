"""What every test shares: the marker for real parts."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.parts import require_part

# No test depends on how fast the machine is, so generated ones have no deadline either.
settings.register_profile("strongroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("strongroom")


PROCESSES = (
    "bench",
    "clients",
    "e2e",
    "node",
    "server/test_etcd",
    "server/workers",
    "storage/test_crash",
)
"""Below ``tests``: where servers, nodes and real parts run as processes of their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a failed test of several processes once more, and say so in the report (``RERUN``).

    Their order is the kernel's, and on a busy machine it is sometimes one that the test, not the
    product, cannot bear. What fails twice is broken; all other tests have no second try.
    """
    tests = Path(__file__).parent
    for item in items:
        if str(item.path.relative_to(tests)).startswith(PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under CI fail, a test whose `needs(...)` parts are missing."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require_part(name)
