"""The server that random requests go to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.server import Fuzzed, fuzzed


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """A server of the session's own, which must still serve at the end."""
    with fuzzed(tmp_path_factory.mktemp("fuzz")) as server:
        yield server
        server.still_serves()
