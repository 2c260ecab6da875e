"""One server for all the tests here, and a namespace of its own for each."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from strongroom.client.config import load_config
from strongroom.testing.process import Strongroom
from tests.conformance.wire import Api, connected

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server as a process of its own."""
    with Strongroom.start(tmp_path_factory.mktemp("conformance"), "apiserver") as room:
        yield room


@pytest.fixture
async def api(server: Strongroom) -> AsyncIterator[Api]:
    """The server as its administrator has it."""
    async with connected(load_config(server.kubeconfig)) as api:
        yield api


@pytest.fixture
async def namespace(api: Api) -> str:
    """The name of a fresh namespace."""
    name = f"conformance-{next(_numbers)}"
    await api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name
