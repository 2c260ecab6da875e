"""An API server and a node beside it, shared by the tests that run pods."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.node.runtimes.port import RuntimeUnavailable
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.testing.process import Strongroom
from tests.node.cluster import Cluster, NodeProcess

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server alone."""
    with Strongroom.start(tmp_path_factory.mktemp("node-api"), "apiserver") as room:
        yield room


@pytest.fixture(scope="session")
def node(api: Strongroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node agent that tests share."""
    started = start_node(api, tmp_path_factory.mktemp("node"))
    yield started
    started.stop()


@pytest.fixture
async def client(api: Strongroom) -> AsyncIterator[Client]:
    """A client as the admin."""
    async with Client(load_config(api.kubeconfig)) as opened:
        yield opened


@pytest.fixture
async def cluster(client: Client, node: NodeProcess) -> Cluster:
    """A fresh namespace on a server with a running node."""
    return await fresh(client)


async def fresh(client: Client) -> Cluster:
    """A fresh namespace."""
    wanted = Namespace()
    wanted.metadata.name = f"node-{next(_numbers)}"
    await client.create(NAMESPACES, wanted)
    return Cluster(client, wanted.metadata.name)


def start_node(room: Strongroom, directory: Path) -> NodeProcess:
    """A node agent; the test is skipped, under CI failed, where it cannot run containers."""
    try:
        return NodeProcess(room, directory)
    except RuntimeUnavailable as error:
        if "namespace" in str(error) and not os.environ.get("CI"):
            pytest.skip(f"pods cannot run here: {error}")
        raise
