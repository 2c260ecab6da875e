"""EncryptionOperations: keys are rotated, everything is stored anew, and nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.paths import run_dir
from strongroom.server.encryption.ownkey import KMS_NAME
from strongroom.server.ground import StartError
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.plugin_server import KMSServer
from tests.server.conftest import Running, running
from tests.server.encryption.test_configuration import CBC, KEY32, document, entry, keys, kms
from tests.waiting import until

PATH = "/apis/strongroom.io/v1alpha1/encryptionoperations"


async def ask(api: Running, action: str, *, code: int = 201, query: str = "", **spec: Any) -> Any:
    body = {
        "apiVersion": "strongroom.io/v1alpha1",
        "kind": "EncryptionOperation",
        "spec": {"action": action, **spec},
    }
    answer = await api.ask("POST", PATH + query, body)
    assert answer.code == code, answer.body
    return answer.json["status"] if code == 201 else answer.json["message"]


async def rewrapped(api: Running) -> Any:
    async def status() -> Any:
        return await ask(api, "Status")

    return await until(status, lambda found: found["rewrap"].get("phase") == "Done")


def by_key(status: Any) -> dict[str, int]:
    return {key.get("keyID") or key["scheme"]: key.get("objects", 0) for key in status["keys"]}


def settle(api: Running) -> None:
    """As if the key file had not been changed for a while."""
    path = api.options.encryption.encryption_key_file
    assert path is not None
    os.utime(path, (0, 0))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, "--compaction-interval", "100ms") as api:
        yield api


async def test_a_key_is_exchanged_while_the_server_serves(api: Running) -> None:
    made = await api.ask(
        "POST",
        "/api/v1/namespaces/default/secrets",
        {"metadata": {"name": "db"}, "stringData": {"password": "t0p"}},
    )
    (old,) = by_key(await ask(api, "Status"))
    rotated = await ask(api, "Rotate")
    new = rotated["newKeyID"]
    assert by_key(rotated)[new] == 0

    async def told_to_status() -> Any:
        return json.loads((run_dir(api.options.data_dir) / "apiserver.json").read_bytes())

    await until(told_to_status, lambda found: found["encryption"]["keyID"] == new)
    await ask(api, "Rewrap")
    status = await rewrapped(api)
    assert by_key(status) == {new: status["rewrap"]["seen"], old: 0}
    assert not any(key.get("writes") for key in status["keys"] if key["keyID"] == old)
    secret = (await api.ask("GET", "/api/v1/namespaces/default/secrets/db")).json
    assert secret["data"] == {"password": "dDBw"}
    assert secret["metadata"]["resourceVersion"] != made.json["metadata"]["resourceVersion"]
    assert secret["metadata"]["uid"] == made.json["metadata"]["uid"]

    assert "changed a moment ago" in await ask(api, "Prune", code=409)
    settle(api)

    async def pruned() -> Any:
        return (await ask(api, "Prune")).get("pruned")

    assert await until(pruned) == [old]
    path = api.options.encryption.encryption_key_file
    assert path is not None
    assert KeyRing.load(path).ids == (new,)


async def test_a_key_in_use_is_not_forgotten(api: Running) -> None:
    (old,) = by_key(await ask(api, "Status"))
    new = (await ask(api, "Rotate"))["newKeyID"]
    settle(api)
    assert "values are stored under key" in await ask(api, "Prune", code=409, keyIDs=[old])
    assert "is the key that encrypts" in await ask(api, "Prune", code=409, keyIDs=[new])
    assert "there is no key 'other'" in await ask(api, "Prune", code=400, keyIDs=["other"])
    assert not (await ask(api, "Prune")).get("pruned")
    assert set(by_key(await ask(api, "Status"))) == {old, new}


async def test_nothing_is_done_dry(api: Running) -> None:
    before = by_key(await ask(api, "Status"))
    dry = await ask(api, "Rotate", query="?dryRun=All")
    assert "newKeyID" not in dry
    dry = await ask(api, "Rewrap", query="?dryRun=All")
    assert dry["rewrap"] == {"phase": "Idle"}
    assert by_key(await ask(api, "Status")) == before


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"action": ""}, "spec.action: Required value"),
    ({"action": "Destroy"}, 'Unsupported value: "Destroy": supported values: "Status", "Rotate"'),
    ({"action": "Rewrap", "rate": -1}, "spec.rate: Invalid value: -1: must be 0 or more"),
    ({"action": "Rotate", "keyIDs": ["a"]}, "spec.keyIDs: Invalid value"),
]


async def test_what_is_no_operation_is_told(api: Running) -> None:
    for spec, told in WRONG:
        assert told in await ask(api, code=422, **spec)


async def test_only_who_may_everything_may_this(api: Running) -> None:
    as_editor = {"Impersonate-User": "eve", "Impersonate-Group": "system:authenticated"}
    answer = await api.ask("POST", PATH, {}, headers=as_editor)
    assert answer.code == 403


async def test_a_rewrap_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        new = (await ask(api, "Rotate"))["newKeyID"]
        # At this rate it takes minutes.
        await ask(api, "Rewrap", rate=1)

        async def some() -> Any:
            return (await ask(api, "Status"))["rewrap"].get("rewritten")

        await until(some)
    async with running(tmp_path) as api:
        assert (await ask(api, "Status"))["rewrap"]["phase"] == "Running"
        await ask(api, "Rewrap", rate=0)
        status = await rewrapped(api)
        assert by_key(status)[new] == sum(by_key(status).values())


async def test_a_configuration_takes_over_and_is_left_again(tmp_path: Path) -> None:
    path = tmp_path / "encryption.yaml"
    given = ("--encryption-provider-config", str(path))
    async with running(tmp_path) as api:
        (ours,) = by_key(await ask(api, "Status"))
    rules = [entry("secrets, configmaps", keys("secretbox", ("box", KEY32)), CBC)]
    _put(path, document(f"[{', '.join(rules)}]"))
    async with running(tmp_path, *given) as api:
        before = await ask(api, "Status")
        assert before["provider"] == f"EncryptionConfiguration {path}"
        assert all(key["held"] for key in before["keys"])
        assert "put the new key first in that file" in await ask(api, "Rotate", code=400)
        assert "take old ones out of that file" in await ask(api, "Prune", code=400)
        await ask(api, "Rewrap")
        status = await rewrapped(api)
        assert by_key(status)[ours] == 0
        assert {use["resource"]: use["scheme"] for use in status["resources"]} | {
            "configmaps": "secretbox",
            "clusterroles": "identity",
        } == {use["resource"]: use["scheme"] for use in status["resources"]}
        ready = await api.ask("GET", "/readyz?verbose")
        assert b"[+]kms-providers ok" in ready.body
        key_file = api.options.encryption.encryption_key_file
    with pytest.raises(StartError, match="start with that key"):
        async with running(tmp_path):
            raise AssertionError("started without its keys")

    # A plugin that offers our own key, under our own name, stores all as the default does.
    assert key_file is not None
    plugin = KMSServer(KeyRing.load(key_file), tmp_path / "kms.sock")
    ours_again = kms(name=KMS_NAME, endpoint=f"'unix://{tmp_path}/kms.sock'")
    old = keys("secretbox", ("box", KEY32))
    everything = entry("'*.*'", ours_again, old, "{identity: {}}")
    _put(path, document(f"[{everything}]"))
    async with running(tmp_path, *given) as api:
        await ask(api, "Rewrap")
        under = by_key(await rewrapped(api))
        assert under[ours] == sum(under.values())
    plugin.stop(0)
    async with running(tmp_path) as api:
        found = await api.ask("GET", "/api/v1/namespaces/kube-public/configmaps/cluster-info")
        assert found.code == 200


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
