"""One API server for all tests of tokens, and what they ask it."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.server.conftest import Answer, Running, running

CORE = "/api/v1/namespaces/default"
ACCOUNTS, PODS, SECRETS = (f"{CORE}/{plural}" for plural in ("serviceaccounts", "pods", "secrets"))
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ISSUER = "https://kubernetes.default.svc.cluster.local"

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    most = ("--service-account-max-token-expiration", "48h")
    async with running(tmp_path_factory.mktemp("tokens"), *most) as run:
        yield run


@pytest_asyncio.fixture(loop_scope="package")
async def account(room: Running) -> str:
    """The name of an account of its own for each test."""
    name = f"bot-{next(_numbers)}"
    assert (await room.ask("POST", ACCOUNTS, {"metadata": {"name": name}})).code == 201
    return name


def claims_of(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


async def request(room: Running, account: str, **spec: Any) -> Answer:
    return await room.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec})


async def token_of(room: Running, account: str, **spec: Any) -> str:
    answer = await request(room, account, **spec)
    assert answer.code == 201, answer.body
    token: str = answer.json["status"]["token"]
    return token


async def who(room: Running, token: str) -> Answer:
    """Who the server takes the bearer for."""
    headers = {"Authorization": f"Bearer {token}"}
    return await room.ask("POST", WHO, {}, identity="", headers=headers)


async def review(room: Running, token: str, *audiences: str) -> Any:
    answer = await room.ask("POST", REVIEWS, {"spec": {"token": token, "audiences": audiences}})
    assert answer.code == 201, answer.body
    return answer.json["status"]


async def make_pod(room: Running, name: str, account: str, node: str = "") -> Any:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}]}
    spec["serviceAccountName"] = account
    if node:
        spec["nodeName"] = node
    answer = await room.ask("POST", PODS, {"metadata": {"name": name}, "spec": spec})
    assert answer.code == 201, answer.body
    return answer.json["metadata"]


def bound(kind: str, name: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "apiVersion": "v1", "name": name, **more}
