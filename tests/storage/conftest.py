"""The stores that the behavioural suite runs over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from strongroom.storage.port import Store
from tests.storage.drivers import DRIVERS


@pytest.fixture(params=sorted(DRIVERS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await DRIVERS[request.param](tmp_path)
    yield opened
    await opened.close()
