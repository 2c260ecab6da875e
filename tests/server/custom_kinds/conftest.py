"""One API server for all tests of a module, without any definition at the start of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.server.conftest import Running, running
from tests.server.custom import remove_all


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One server for all tests of a module: what they leave behind is taken away."""
    async with running(tmp_path_factory.mktemp("custom")) as run:
        yield run


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: Running) -> AsyncIterator[Running]:
    """The server without any definition."""
    yield server
    await remove_all(server)
