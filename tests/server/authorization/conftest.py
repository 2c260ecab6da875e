"""One API server for all tests of a module, asked as anybody by way of impersonation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Answer, Running, running

GROUP = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(slots=True)
class Cluster:
    """A server, and short ways to say who may what."""

    api: Running

    async def ask(
        self, user: str, method: str, path: str, body: Any = None, *groups: str
    ) -> Answer:
        """Ask as this user; as the administrator where it is empty."""
        headers = {"Impersonate-User": user} if user else {}
        if groups:
            (headers["Impersonate-Group"],) = groups
        return await self.api.ask(method, path, body, headers=headers)

    async def make(self, plural: str, namespace: str, name: str, **spec: Any) -> None:
        """Make a role or a binding as the administrator."""
        where = f"{GROUP}/namespaces/{namespace}/{plural}" if namespace else f"{GROUP}/{plural}"
        answer = await self.api.ask("POST", where, {"metadata": {"name": name}} | spec)
        assert answer.code == 201, answer.body

    async def grant(self, user: str, role: str, namespace: str = "") -> None:
        """Give a user a ClusterRole, in a namespace or everywhere."""
        plural = "rolebindings" if namespace else "clusterrolebindings"
        await self.make(plural, namespace, f"{user}-{role}".replace(":", "."), **to(user, role))


def to(user: str, role: str, kind: str = "ClusterRole") -> dict[str, Any]:
    """What a binding says that gives a user a role."""
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "User", "name": user}],
    }


def can(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    """A rule."""
    return {
        "verbs": verbs.split(),
        "apiGroups": [group],
        "resources": resources.split(),
    } | more


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """One server for all tests of a module; each has users of its own."""
    async with running(tmp_path_factory.mktemp("rbac")) as run:
        yield Cluster(run)
