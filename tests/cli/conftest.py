"""A real API server for the commands for people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from strongroom.testing.process import Strongroom


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server alone, shared by all tests."""
    often = ("--secret-usage-interval", "100ms")
    with Strongroom.start(tmp_path_factory.mktemp("api"), "apiserver", *often) as room:
        yield room
