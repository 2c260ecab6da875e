"""Objects of any kind as trees, for tests of what deletes them."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from tests.waiting import gone, until

Tree = dict[str, Any]

CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
PODS = f"{CORE}/pods"
SECRETS = f"{CORE}/secrets"
CONFIG_MAPS = f"{CORE}/configmaps"
CONTROLLERS = f"{CORE}/replicationcontrollers"
QUOTAS = f"{CORE}/resourcequotas"
SETS = f"{APPS}/replicasets"
DEPLOYMENTS = f"{APPS}/deployments"
TEMPLATE: Tree = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {"containers": [{"name": "main", "image": "none"}]},
}
WORKLOAD = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
CONTROLLER = {"selector": {"app": "a"}, "template": TEMPLATE}


def owner(tree: Tree, *, block: bool | None = True, **changes: Any) -> Tree:
    """A reference to this object."""
    meta = tree["metadata"]
    reference = {
        "apiVersion": tree["apiVersion"],
        "kind": tree["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "blockOwnerDeletion": block,
    }
    return {key: value for key, value in (reference | changes).items() if value is not None}


class Objects:
    """Makes, reads and deletes by path."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Tree:
        sent = None if body is None else msgspec.json.encode(body)
        answer = await self.client.request(method, path, body=sent, **more)
        tree: Tree = msgspec.json.decode(answer.body)
        return tree

    async def make(self, path: str, name: str, *owners: Tree, **fields: Any) -> Tree:
        meta = {"name": name, "ownerReferences": list(owners), **fields.pop("metadata", {})}
        return await self.ask("POST", path, {"metadata": meta, **fields})

    async def pods(self, count: int, *owners: Tree) -> list[Tree]:
        return [
            await self.make(PODS, f"p{i}", *owners, spec=TEMPLATE["spec"]) for i in range(count)
        ]

    async def get(self, path: str, name: str) -> Tree:
        return await self.ask("GET", f"{path}/{name}")

    async def names(self, path: str) -> list[str]:
        return [item["metadata"]["name"] for item in (await self.ask("GET", path))["items"]]

    async def delete(self, path: str, name: str, policy: str = "") -> Tree:
        options = {"propagationPolicy": policy} if policy else None
        return await self.ask("DELETE", f"{path}/{name}", options)

    async def gone(self, path: str, name: str) -> None:
        """Wait until it is."""
        await gone(lambda: self.get(path, name))

    async def is_served(self, path: str) -> bool:
        """Whether there is such a collection."""
        try:
            await self.names(path)
        except StatusError as error:
            if error.code != 404:
                raise
            return False
        return True

    async def owners(self, path: str, name: str) -> list[str]:
        """The names of its owners."""
        meta = (await self.get(path, name))["metadata"]
        return [reference["name"] for reference in meta.get("ownerReferences", [])]

    async def clean(self) -> None:
        """Delete everything that tests make, and wait until it is gone."""
        for path in (DEPLOYMENTS, SETS, CONTROLLERS, PODS, SECRETS, CONFIG_MAPS, QUOTAS):
            await self.ask("DELETE", path, {"propagationPolicy": "Background"})
            await until(functools.partial(self.names, path), lambda names: not names)

    async def patch(self, path: str, name: str, body: Tree) -> Tree:
        """Change it as a merge patch says."""
        merge = "application/merge-patch+json"
        return await self.ask("PATCH", f"{path}/{name}", body, content_type=merge)

    async def until_owners(self, path: str, name: str, wanted: list[str]) -> None:
        await until(lambda: self.owners(path, name), lambda found: found == wanted)
