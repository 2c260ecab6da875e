"""`strongroom secret scrub`, on a server that keeps values in annotations, as others do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.cli.main import main
from strongroom.cli.secret import leftovers
from strongroom.client.client import Client
from strongroom.client.metadata import patch_at
from strongroom.resources import secret as secrets
from tests.server.conftest import SECRETS, Running, running

VALUE64 = "aHVudGVyMg=="


def last_applied(name: str) -> str:
    return json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"k": VALUE64}}
    )


class Cluster:
    """A server with Secrets in it; commands run beside it."""

    def __init__(self, server: Running) -> None:
        self.server = server

    async def create(self, name: str, **annotations: str) -> None:
        body = {
            "metadata": {"name": name, "annotations": {**annotations}},
            "data": {"k": VALUE64, "short": "MQ=="},
            "immutable": True,
        }
        assert (await self.server.ask("POST", SECRETS, body)).code == 201

    async def annotations(self, name: str) -> dict[str, str]:
        got = await self.server.ask("GET", f"{SECRETS}/{name}")
        found: dict[str, str] = got.json["metadata"]["annotations"]
        return found

    async def run(self, *arguments: str) -> Result:
        where = ["--kubeconfig", self.server.options.kubeconfig]
        argv = ["secret", "scrub", *arguments, *map(str, where)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(main, argv))


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    # What strongroom does to the annotation is switched off: other servers do not do it either.
    monkeypatch.setattr(secrets, "mask_annotation", lambda annotations: False)
    async with running(tmp_path) as server:
        made = Cluster(server)
        await made.create("applied", **{ANNOTATION: last_applied("applied"), "note": "n"})
        await made.create("masked", **{ANNOTATION: last_applied("x").replace(VALUE64, MASK)})
        await made.create("told", note='{"line": "set hunter2"}', short="1")
        yield made


async def test_values_of_kubectl_are_masked_and_others_are_told_of(cluster: Cluster) -> None:
    for option, code in (("--dry-run", 0), ("--check", 3)):
        done = await cluster.run("-A", option)
        assert done.exit_code == code
        assert "3 Secrets looked at, 1 would be masked\n" in done.stderr
        assert VALUE64 in (await cluster.annotations("applied"))[ANNOTATION]

    done = await cluster.run()
    assert done.exit_code == 0, done.output
    head, row = done.stdout.splitlines()
    assert head.split() == ["NAMESPACE", "NAME", "FIELD", "RESULT"]
    assert row.split() == ["default", "applied", f"annotations[{ANNOTATION}]", "masked"]
    assert done.stderr == "3 Secrets looked at, 1 masked\n"
    annotations = await cluster.annotations("applied")
    assert json.loads(annotations[ANNOTATION])["data"] == {"k": MASK}
    assert annotations["note"] == "n"

    again = await cluster.run("--check")
    assert (again.exit_code, again.stdout) == (0, "")
    deep = await cluster.run("--check", "--deep", "-o", "json")
    assert deep.exit_code == 3
    facts: dict[str, Any] = json.loads(deep.stdout)
    place = {"namespace": "default", "name": "told", "field": "annotations[note]"}
    assert facts == {"secrets": 3, "found": [{**place, "result": "left"}]}
    assert "1 hold values elsewhere" in (await cluster.run("--deep")).stderr


async def test_a_secret_that_changes_meanwhile_is_looked_at_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    async def overtaken(client: Client, path: str, body: Any, kind: Any) -> None:
        calls.append(body)
        if len(calls) == 1:
            await patch_at(client, path, {"metadata": {"labels": {"other": "1"}}}, kind)
        await patch_at(client, path, body, kind)

    monkeypatch.setattr(leftovers, "patch_at", overtaken)
    done = await cluster.run()
    assert (done.exit_code, len(calls)) == (0, 2), done.output
    assert VALUE64 not in (await cluster.annotations("applied"))[ANNOTATION]
