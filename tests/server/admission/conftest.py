"""One API server and one webhook server for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.server.admission.hooks import Hooks, hook_server
from tests.server.admission.rules import REGISTRATION, Rules
from tests.server.conftest import Answer, Running, running

MODULE = pytest.mark.asyncio(loop_scope="module")


class World:
    """The API server and the webhook server, with what a test set up in them."""

    def __init__(self, api: Running, hooks: Hooks) -> None:
        self.api = api
        self.hooks = hooks
        self._made: list[str] = []

    async def ask(self, *arguments: Any, **options: Any) -> Answer:
        return await self.api.ask(*arguments, **options)

    async def register(self, kind: str, name: str, *webhooks: dict[str, Any]) -> Answer:
        """Make a configuration of ``mutating`` or ``validating`` webhooks."""
        collection = f"{REGISTRATION}/{kind}webhookconfigurations"
        body = {"metadata": {"name": name}, "webhooks": list(webhooks)}
        made = await self.ask("POST", collection, body)
        if made.code == 201:
            self._made.append(f"{collection}/{name}")
        return made

    def webhook(self, path: str, resources: str = "configmaps", **changes: Any) -> dict[str, Any]:
        """A webhook for a path of the webhook server, about creations unless said otherwise."""
        rule = {
            "operations": ["CREATE"],
            "apiGroups": [changes.pop("group", "")],
            "apiVersions": ["*"],
            "resources": [resources],
        }
        rule |= changes.pop("rule", {})
        return {
            "name": f"{path.strip('/')}.example.com",
            "clientConfig": self.hooks.config(path),
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        } | changes

    async def tidy(self) -> None:
        """Remove the configurations that the test made."""
        for path in self._made:
            await self.ask("DELETE", path)
        self._made.clear()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    directory: Path = tmp_path_factory.mktemp("admission")
    async with running(directory) as api, hook_server(directory) as hooks:
        yield World(api, hooks)


@pytest_asyncio.fixture(loop_scope="module")
async def world(servers: World) -> AsyncIterator[World]:
    """Both servers, without any configuration of another test."""
    servers.hooks.on.clear()
    servers.hooks.asked.clear()
    yield servers
    await servers.tidy()


@pytest_asyncio.fixture(loop_scope="module")
async def rules(world: World) -> AsyncIterator[Rules]:
    """Makes policies that are gone after the test."""
    made = Rules(world)
    yield made
    await made.tidy()
