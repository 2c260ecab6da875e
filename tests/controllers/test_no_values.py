"""The controllers look after Secrets without ever being sent what is in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.events import EventRecorder
from strongroom.client.transport import Response, Transport
from strongroom.controllers.garbage import GarbageCollector
from strongroom.controllers.monitors import Monitors
from strongroom.controllers.namespace import NamespaceController
from strongroom.controllers.resourcequota import ResourceQuotaController
from strongroom.resources.namespace import NAMESPACES
from tests.controllers.conftest import World, at_work
from tests.controllers.objects import CONFIG_MAPS, QUOTAS, SECRETS, Objects, owner
from tests.waiting import gone

VALUE = "bm9ib2R5IG11c3Qgc2VlIHRoaXM="


class Recording(Transport):
    """Keeps all that arrives."""

    received = b""

    async def request(self, *args: Any, **more: Any) -> Response:
        response = await super().request(*args, **more)
        self.received += response.body
        return response

    @asynccontextmanager
    async def stream(self, *args: Any, **more: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().stream(*args, **more) as chunks:
            yield self._kept(chunks)

    async def _kept(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.received += chunk
            yield chunk


async def test_values_of_secrets_never_reach_the_controllers(world: World, tmp_path: Path) -> None:
    config = load_config(tmp_path / "data" / "pki" / "controller-manager.kubeconfig")
    objects = Objects(world.client)
    await world.namespace("doomed")
    for path in (SECRETS, "/api/v1/namespaces/doomed/secrets"):
        await objects.make(path, "before", data={"password": VALUE})
    async with Client(config) as client:
        client.transport = recording = Recording(config)
        monitors = Monitors(client)
        events = EventRecorder(client, component="test")
        async with (
            at_work(GarbageCollector(client, monitors, events)),
            at_work(NamespaceController(client, monitors, world.clock)),
            at_work(ResourceQuotaController(client, monitors, world.clock)),
        ):
            await monitors.wait_synced()
            await objects.make(QUOTAS, "q", spec={"hard": {"secrets": "9"}})
            for policy in ("Background", "Foreground", "Orphan"):
                first = await objects.make(CONFIG_MAPS, policy.lower())
                await objects.make(SECRETS, policy.lower(), owner(first), data={"password": VALUE})
                await objects.delete(CONFIG_MAPS, policy.lower(), policy)
                await objects.gone(CONFIG_MAPS, policy.lower())
            await objects.gone(SECRETS, "background")
            await world.client.delete(NAMESPACES, "doomed")
            await gone(lambda: world.client.get(NAMESPACES, "doomed"))
        await recording.close()
    assert sorted(await objects.names(SECRETS)) == ["before", "orphan"]
    assert b'"name":"orphan"' in recording.received
    assert VALUE.encode() not in recording.received
