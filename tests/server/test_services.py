"""Where Services are reached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.clock import SystemClock
from strongroom.api.codec import from_tree
from strongroom.registry.registry import Registry
from strongroom.resources.catalog import CATALOG
from strongroom.server.bootstrap import own_context
from strongroom.server.services import Services
from strongroom.storage.memory import MemoryStore

Made = dict[str, Registry[Any]]


@pytest.fixture
async def registries() -> AsyncIterator[Made]:
    """Services and Endpoints over a memory store."""
    store, clock = MemoryStore(), SystemClock()
    made: Made = {}
    for plural in ("services", "endpoints"):
        resource = CATALOG.by_plural("", "v1", plural)
        assert resource is not None
        made[plural] = Registry(resource, store, (), clock)
        await made[plural].start()
    yield made
    for registry in made.values():
        await registry.close()
    await store.close()


async def create(registries: Made, plural: str, **tree: Any) -> None:
    registry = registries[plural]
    obj = from_tree({"metadata": {"name": "s"}} | tree, registry.resource.type)
    await registry.create(own_context(SystemClock(), "create", plural), "n", obj)
    await registry.catch_up()


def services(registries: Made) -> Services:
    return Services(lambda group, plural: registries.get(plural))


@pytest.mark.parametrize(
    ("spec", "endpoints", "expected"),
    [
        (None, None, 'service "s" not found'),
        ({"type": "ExternalName", "externalName": "x.example"}, None, ("x.example", 443)),
        ({"clusterIP": "None"}, None, 'no endpoints available for service "s"'),
        ({"clusterIP": "10.0.0.9"}, None, ("10.0.0.9", 443)),
        ({"clusterIP": "10.0.0.9"}, 8443, ("10.1.1.1", 8443)),
        ({"ports": [{"port": 80}]}, 8443, 'no service port 443 found for service "s"'),
    ],
)
async def test_where_a_service_is(
    registries: Made, spec: dict[str, Any] | None, endpoints: int | None, expected: Any
) -> None:
    if spec is not None:
        await create(registries, "services", spec={"ports": [{"port": 443}]} | spec)
    if endpoints is not None:
        subset = {"addresses": [{"ip": "10.1.1.1"}], "ports": [{"port": endpoints}]}
        await create(registries, "endpoints", subsets=[subset])
    if isinstance(expected, tuple):
        assert services(registries).resolve("n", "s", 443) == expected
        return
    with pytest.raises(CallingFailed) as caught:
        services(registries).resolve("n", "s", 443)
    assert str(caught.value) == expected


async def test_endpoints_take_turns(registries: Made) -> None:
    await create(registries, "services", spec={"ports": [{"port": 443}]})
    addresses = [{"ip": "10.1.1.1"}, {"ip": "10.1.1.2"}]
    await create(
        registries, "endpoints", subsets=[{"addresses": addresses, "ports": [{"port": 1}]}]
    )
    resolver = services(registries)
    found = [resolver.resolve("n", "s", 443)[0] for _ in range(4)]
    assert found == ["10.1.1.1", "10.1.1.2", "10.1.1.1", "10.1.1.2"]
