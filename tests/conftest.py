"""What every test shares: the marker for real parts, the order, and what is done once for all."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests.parts import require_part
from tests.workers import dealt, import_share, number_and_count

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

SLOW = (
    *(place for place in PROCESSES if place != "node"),
    "faults",
    "fuzz/test_openapi_requests",
    "node/runtimes",
    "node/test_agent",
    "node/test_survival",
    "test_docs",
)
"""Below ``tests``: what takes seconds a test, nearly all of it waiting."""


def _file(item: pytest.Item) -> str:
    """Its path below ``tests``."""
    return item.nodeid.partition("::")[0].removeprefix("tests/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    import_share(session.config)


def pytest_collection_finish() -> None:
    """Leave what is there now, which stays, out of all later rounds of the garbage collector."""
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try a failed test of several processes once more, and say so in the report (``RERUN``).

    Their order is the kernel's, and on a busy machine it is sometimes one that the test, not the
    product, cannot bear. What fails twice is broken; all other tests have no second try.
    """
    for item in items:
        if _file(item).startswith(PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))
        elif _file(item).startswith("faults"):
            # A history that breaks a promise stands: the next one would not take that back.
            item.add_marker(pytest.mark.flaky(reruns=1, rerun_except="Violation"))
    _, count = number_and_count(config)
    if count > 1:
        items[:] = dealt(items, count, _file, lambda item: _file(item).startswith(SLOW))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or under CI fail, a test whose `needs(...)` parts are missing."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require_part(name)
