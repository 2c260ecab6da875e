"""Upstream's ``Servers with support for API chunking``: 400 PodTemplates, in pages of 17."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from strongroom.client.config import load_config
from strongroom.registry.errors import CONTINUE_EXPIRED
from strongroom.testing.process import Strongroom
from tests.conformance.wire import Api, connected

COUNT, LIMIT = 400, 17
NAMES = [f"template-{i:04}" for i in range(COUNT)]


async def fill(api: Api, path: str) -> None:
    """Make the PodTemplates, some at a time."""
    container = {"name": "test", "image": "test2"}
    for start in range(0, COUNT, 20):
        await asyncio.gather(
            *(
                api.create(
                    path,
                    {
                        "metadata": {"name": name},
                        "template": {"spec": {"containers": [container]}},
                    },
                )
                for name in NAMES[start : start + 20]
            )
        )


async def page(api: Api, path: str, limit: int, token: str = "") -> Any:
    return await api.get(f"{path}?limit={limit}&continue={quote(token)}")


def names(found: Any) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]


async def test_should_return_chunks_of_results_for_list_calls(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/podtemplates"
    await fill(api, path)
    seen: list[str] = []
    token, version = "", ""
    while True:
        found = await page(api, path, LIMIT, token)
        assert len(found["items"]) <= LIMIT
        seen += names(found)
        meta = found["metadata"]
        version = version or meta["resourceVersion"]
        assert meta["resourceVersion"] == version
        token = meta.get("continue", "")
        assert meta.get("remainingItemCount") == (COUNT - len(seen) if token else None)
        if not token:
            break
    assert seen == NAMES
    everything = await page(api, path, COUNT + 1)
    assert names(everything) == NAMES
    assert "continue" not in everything["metadata"]


@pytest.fixture
async def forgetful(tmp_path: Path) -> AsyncIterator[Api]:
    """A server that forgets the past soon."""
    with Strongroom.start(tmp_path, "apiserver", "--compaction-interval=1s") as room:
        async with connected(load_config(room.kubeconfig)) as api:
            yield api


async def test_should_support_continue_listing_from_the_last_key_if_compacted_away(
    forgetful: Api,
) -> None:
    """The list goes on, though it is of two moments: an inconsistent one."""
    api, path = forgetful, "/api/v1/namespaces/default/podtemplates"
    await fill(api, path)
    first = await page(api, path, LIMIT)
    token, version = first["metadata"]["continue"], first["metadata"]["resourceVersion"]
    await api.delete(f"{path}/{NAMES[LIMIT]}")
    status = await expired(api, path, token)
    assert (status["reason"], status["message"]) == ("Expired", CONTINUE_EXPIRED)
    inconsistent = status["metadata"]["continue"]
    second = await page(api, path, LIMIT, inconsistent)
    assert names(second) == NAMES[LIMIT + 1 : 2 * LIMIT + 1]
    assert second["metadata"]["resourceVersion"] != version
    third = await page(api, path, LIMIT, second["metadata"]["continue"])
    assert names(third) == NAMES[2 * LIMIT + 1 : 3 * LIMIT + 1]
    assert third["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    left = COUNT - 1 - 3 * LIMIT
    assert third["metadata"]["remainingItemCount"] == left


async def expired(api: Api, path: str, token: str) -> Any:
    """The Status that says that a token's revision is gone, once it is."""
    async with asyncio.timeout(60):
        while True:
            answer = await api.ask("GET", f"{path}?limit={LIMIT}&continue={quote(token)}")
            if answer.code == 410:
                return json.loads(answer.body)
            assert answer.code == 200
            await asyncio.sleep(0.2)
