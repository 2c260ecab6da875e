"""A strongroom that all client families share, a custom kind in it, and namespaces of one's own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.testing.process import Strongroom
from tests.clients.vaults import DEFINITION, NAME
from tests.e2e.kubectl import Kubectl
from tests.e2e.wire import Wire
from tests.waiting import eventually

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """An API server and the controllers."""
    with Strongroom.start(tmp_path_factory.mktemp("clients"), "up", "--no-node") as room:
        yield room


@pytest.fixture(scope="session")
def wire(cluster: Strongroom) -> Wire:
    """Requests of nobody's client."""
    return Wire(cluster.kubeconfig)


@pytest.fixture
def namespace(wire: Wire) -> str:
    """A fresh namespace."""
    name = f"clients-{next(_numbers)}"
    assert wire.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    return name


@pytest.fixture(scope="session")
def vaults(wire: Wire) -> None:
    """A custom kind, as long as the server lives."""
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert wire.send("POST", base, DEFINITION).status == 201

    def established() -> bool:
        told: dict[str, Any] = json.loads(wire.send("GET", f"{base}/{NAME}").body)
        conditions = told.get("status", {}).get("conditions", [])
        return {"Established": "True"}.items() <= {
            c["type"]: c["status"] for c in conditions
        }.items()

    eventually(established)


@pytest.fixture
def old(cluster: Strongroom, namespace: str, tmp_path: Path) -> Kubectl:
    """kubectl, four minor versions older than the server."""
    return Kubectl(cluster.kubeconfig, namespace, tmp_path, program="kubectl-1.33")
