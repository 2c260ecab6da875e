"""Alerts to a webhook: once each, with patience, within bounds; policies while a server runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from strongroom.api.meta import ObjectMeta
from strongroom.resources.secretalert import SecretAlert, SecretAlertSpec
from strongroom.server.alerts.policy_file import Webhook
from strongroom.server.alerts.sender import MOST_WAITING, Sender
from strongroom.server.ground import StartError
from strongroom.server.reloading import BadFile
from tests.server.admission.hooks import Hooks, hook_server
from tests.server.conftest import SECRETS, Running, running, secret
from tests.waiting import until

NO_DELAYS = (0.0, 0.0)


class Room:
    """A webhook, and a sender that knows it."""

    def __init__(self, hooks: Hooks, directory: Path) -> None:
        self.hooks = hooks
        self.codes: list[int] = []
        self.lost = 0
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(hooks.pem)
        self.token = directory / "token"
        self.token.write_text("the-token\n")
        self.url = f"https://127.0.0.1:{hooks.port}/alerts"
        self.sender = Sender(self.lose, NO_DELAYS)
        hooks.on["/alerts"] = lambda _: web.Response(
            status=self.codes.pop(0) if self.codes else 204
        )

    def lose(self) -> None:
        self.lost += 1

    def webhook(self, **given: str) -> Webhook:
        where = {"url": self.url, "caFile": str(self.ca), "tokenFile": str(self.token)}
        return Webhook(**{**where, **given})

    def names(self) -> list[str]:
        return [review["metadata"]["name"] for review in self.hooks.reviews("/alerts")]

    async def arrived(self, *names: str) -> None:
        async def seen() -> list[str]:
            return self.names()

        await until(seen, lambda found: found == list(names))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with hook_server(tmp_path) as hooks:
        room = Room(hooks, tmp_path)
        yield room
        await room.sender.close()


def alert(name: str) -> SecretAlert:
    meta = ObjectMeta(name=name, namespace="shop")
    return SecretAlert(metadata=meta, spec=SecretAlertSpec(rule="r", severity="low"))


async def test_an_alert_is_sent_as_it_is_with_the_token(room: Room) -> None:
    room.sender.use(room.webhook())
    room.sender.send(alert("a"))
    await room.arrived("a")
    (sent,) = room.hooks.reviews("/alerts")
    assert (sent["kind"], sent["apiVersion"]) == ("SecretAlert", "strongroom.io/v1alpha1")
    assert sent["spec"] == {"rule": "r", "severity": "low", "user": {}}
    request: Any = room.hooks.current
    assert request.headers["Authorization"] == "Bearer the-token"


async def test_what_fails_is_tried_again_and_given_up_in_the_end(room: Room) -> None:
    room.sender.use(room.webhook())
    room.codes = [500, 503, 200, 500, 500, 500]
    for name in "abc":
        room.sender.send(alert(name))
    await room.arrived("a", "a", "a", "b", "b", "b", "c")
    assert room.lost == 1


async def test_what_waits_has_a_bound_and_no_webhook_sends_nothing(room: Room) -> None:
    room.sender.send(alert("nowhere"))
    room.sender.use(room.webhook())
    for number in range(MOST_WAITING + 7):
        room.sender.send(alert(f"a-{number}"))
    assert room.lost == 7
    await room.arrived(*(f"a-{number}" for number in range(7, MOST_WAITING + 7)))


async def test_many_alerts_that_matter_less_do_not_drive_out_a_severe_one(room: Room) -> None:
    room.sender.use(room.webhook())
    severe = alert("severe")
    severe.spec.severity = "high"
    room.sender.send(severe)
    for number in range(MOST_WAITING + 7):
        room.sender.send(alert(f"a-{number}"))
    assert room.lost == 8
    await room.arrived("severe", *(f"a-{number}" for number in range(8, MOST_WAITING + 7)))


@pytest.mark.parametrize("file", ["caFile", "kubeconfig"])
async def test_what_cannot_be_read_is_told_by_its_file(room: Room, file: str) -> None:
    given = {"kubeconfig": "/none", "url": ""} if file == "kubeconfig" else {"caFile": "/none"}
    with pytest.raises(BadFile, match="/none"):
        room.sender.use(room.webhook(**given))


def policy(room: Room, *rules: dict[str, Any]) -> str:
    webhook = {"url": room.url, "caFile": str(room.ca), "tokenFile": str(room.token)}
    spec = {"defaultRules": False, "rules": rules, "webhook": webhook}
    return json.dumps({"apiVersion": "strongroom.io/v1alpha1", "kind": "AlertPolicy", "spec": spec})


async def test_a_servers_policy_is_in_use_and_read_again(room: Room, tmp_path: Path) -> None:
    for name in ("wrong", "right"):
        (tmp_path / name).mkdir()
    file = tmp_path / "policy.yaml"
    file.write_text("kind: Other\n")
    with pytest.raises(StartError, match=r"policy\.yaml: Object 'apiVersion' is missing"):
        async with running(tmp_path / "wrong", "--alert-policy-file", str(file)):
            pass
    two = {"name": "two", "type": "ManySecretsRead", "threshold": 2, "severity": "critical"}
    file.write_text(policy(room, two))
    async with running(tmp_path / "right", "--alert-policy-file", str(file)) as api:
        for name in "ab":
            await api.ask("POST", SECRETS, secret(name))
            await api.ask("GET", f"{SECRETS}/{name}")
        (first,) = await until(lambda: _sent(room), bool)
        assert (first["spec"]["rule"], first["spec"]["severity"]) == ("two", "critical")
        file.write_text("{")
        file.write_text(policy(room, two, {"name": "all", "type": "ListAcrossNamespaces"}))
        found = await until(lambda: _listing(api, room), lambda sent: len(sent) > 1)
        assert [alert["spec"]["rule"] for alert in found] == ["two", "all"]


async def _sent(room: Room) -> list[Any]:
    return room.hooks.reviews("/alerts")


async def _listing(api: Running, room: Room) -> list[Any]:
    """What was sent, after one more list of all namespaces: the first may come before the rule."""
    await api.ask("GET", "/api/v1/secrets")
    return room.hooks.reviews("/alerts")


async def test_without_alerts_nothing_is_looked_at(tmp_path: Path) -> None:
    async with running(tmp_path, "--alerts=false") as api:
        await api.ask("POST", SECRETS, secret("s"))
        await api.ask("GET", "/api/v1/secrets")
        assert "strongroom_alerts_open{" not in (await api.ask("GET", "/metrics")).body.decode()
