"""The server of two workers, and a connection to each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.server.fleet import Connection, FleetServer, connections, start

CORE = "/api/v1/namespaces/default"
MAPS, SECRETS = f"{CORE}/configmaps", f"{CORE}/secrets"


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    directory = tmp_path_factory.mktemp("fleet")
    # So few addresses that two who do not know of each other would soon give the same one.
    few = ("--service-cluster-ip-range", "10.9.0.0/26")
    server = start(directory, *few, "--secret-usage-interval", "100ms")
    yield server
    code, log = server.stop()
    assert code == 0, log
    assert "worker ended" not in log


@pytest.fixture
async def two(fleet: FleetServer) -> AsyncIterator[list[Connection]]:
    async with connections(fleet) as made:
        yield made


def named(name: str, **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **rest}


def revision(obj: dict[str, Any]) -> int:
    return int(obj["metadata"]["resourceVersion"])


def definition(group: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return named(f"things.{group}", spec=spec)


def established(crd: dict[str, Any]) -> bool:
    conditions = crd.get("status", {}).get("conditions", [])
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
