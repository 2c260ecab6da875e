"""A real API server for the tests of its client."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.testing.process import Strongroom

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server alone, shared by all tests."""
    with Strongroom.start(tmp_path_factory.mktemp("api"), "apiserver") as room:
        yield room


@pytest.fixture
async def client(api: Strongroom) -> AsyncIterator[Client]:
    """A client as the admin."""
    async with Client(load_config(api.kubeconfig)) as opened:
        yield opened


@pytest.fixture
async def namespace(client: Client) -> str:
    """A fresh namespace."""
    name = f"client-{next(_numbers)}"
    wanted = Namespace()
    wanted.metadata.name = name
    await client.create(NAMESPACES, wanted)
    return name
