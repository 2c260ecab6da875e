"""One API server for all tests of a module, with namespaces that own and namespaces that use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from strongroom.resources.secret_reference import FROM, REFERENCE
from tests.server.conftest import Answer, Running, running, secret

GRANTS = "/apis/strongroom.io/v1alpha1/namespaces"
NODE, ELSEWHERE = "n1", "n2"


@dataclass(slots=True)
class Vaults:
    """A server, and short ways to say who shares what with whom."""

    api: Running
    _count: int = 0
    _made: set[str] = field(default_factory=set)

    async def ask(self, method: str, path: str, body: Any = None, node: str = "") -> Answer:
        """Ask as the administrator, or as a node."""
        headers = {}
        if node:
            headers = {
                "Impersonate-User": f"system:node:{node}",
                "Impersonate-Group": "system:nodes",
            }
        return await self.api.ask(method, path, body, headers=headers)

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """Ask, and be sure that it is done."""
        answer = await self.ask(method, path, body)
        assert answer.code in (200, 201), answer.body
        return answer.json

    async def namespaces(self) -> tuple[str, str]:
        """An owner's and a user's, which nobody else has."""
        self._count += 1
        names = f"vault-{self._count}", f"shop-{self._count}"
        for name in names:
            await self.done("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return names

    async def secret(self, namespace: str, name: str, **data: str) -> Any:
        """A Secret with values."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        return await self.done("POST", path, secret(name, **data))

    async def change(self, namespace: str, name: str, **data: str) -> Any:
        """Other values for some of its keys."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = await self.api.ask("PATCH", path, {"stringData": data}, headers=headers)
        assert answer.code == 200, answer.body
        return answer.json

    async def reference(self, namespace: str, name: str, to: str) -> Any:
        """A reference."""
        path = f"/api/v1/namespaces/{namespace}/secrets"
        return await self.done("POST", path, reference(name, to))

    async def grant(
        self,
        namespace: str,
        to: str,
        name: str = "db",
        *,
        keys: tuple[str, ...] = ("*",),
        accounts: tuple[str, ...] = ("*",),
        grant: str = "g",
    ) -> Any:
        """A grant, made or replaced."""
        path = f"{GRANTS}/{namespace}/secretgrants"
        spec = {
            "secrets": [{"name": name, "keys": list(keys)}],
            "to": [{"namespace": to, "serviceAccounts": list(accounts)}],
        }
        body = {"metadata": {"name": grant}, "spec": spec}
        answer = await self.ask("PUT", f"{path}/{grant}", body)
        if answer.code == 404:
            return await self.done("POST", path, body)
        assert answer.code == 200, answer.body
        return answer.json

    async def revoke(self, namespace: str, grant: str = "g") -> None:
        """The grant goes."""
        await self.done("DELETE", f"{GRANTS}/{namespace}/secretgrants/{grant}")

    async def pod(
        self, namespace: str, name: str, secret_name: str, *, node: str = NODE, account: str = ""
    ) -> None:
        """A pod of a node that uses a Secret."""
        spec = {
            "nodeName": node,
            "containers": [{"name": "main", "image": "none"}],
            "volumes": [{"name": "s", "secret": {"secretName": secret_name}}],
        } | ({"serviceAccountName": account} if account else {})
        body = {"metadata": {"name": name}, "spec": spec}
        await self.done("POST", f"/api/v1/namespaces/{namespace}/pods", body)

    async def shown(self, namespace: str, name: str, node: str = NODE) -> dict[str, str] | None:
        """What a node is shown of a Secret: its data; None where it is not there."""
        answer = await self.ask("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}", node=node)
        if answer.code == 404:
            return None
        assert answer.code == 200, answer.body
        data: dict[str, str] = answer.json.get("data", {})
        return data

    @asynccontextmanager
    async def watching(
        self, namespace: str, name: str, revision: str = "", *, initial: bool = False
    ) -> AsyncIterator[Watching]:
        """A node's watch of one Secret, from a revision on or from the beginning.

        ``initial`` asks for a bookmark after what is there.
        """
        url = f"/api/v1/namespaces/{namespace}/secrets?watch=1&fieldSelector=metadata.name%3D{name}"
        url += f"&resourceVersion={revision}" if revision else ""
        if initial:
            url += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
            url += "&allowWatchBookmarks=true"
        headers = {"Impersonate-User": f"system:node:{NODE}", "Impersonate-Group": "system:nodes"}
        async with self.api.session().get(url, headers=headers) as response:
            assert response.status == 200
            yield Watching(response)


@dataclass(slots=True)
class Watching:
    """A watch that runs."""

    response: aiohttp.ClientResponse

    async def next(self) -> tuple[str, dict[str, str], int]:
        """The next event: its type, the data and the revision that it shows."""
        line = await asyncio.wait_for(self.response.content.readline(), 20)
        event = json.loads(line)
        obj = event["object"]
        return event["type"], obj.get("data", {}), int(obj["metadata"]["resourceVersion"])


def reference(name: str, to: str) -> dict[str, Any]:
    """A Secret that stands for another."""
    meta = {"name": name, "annotations": {FROM: to}}
    return {"metadata": meta, "type": REFERENCE}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vaults(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vaults]:
    """One server for all tests of a module; each has namespaces of its own."""
    async with running(tmp_path_factory.mktemp("vaults")) as run:
        yield Vaults(run)
