"""What `strongroom secret list` tells of expiry, rotation and age."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from strongroom.client.client import Client, Patch
from strongroom.resources.secret import SECRETS
from strongroom.resources.secret_expiry import Expiry, Facts, conditions
from tests.cli.secret.conftest import Room
from tests.resources.test_certificate_times import ending
from tests.waiting import eventually

DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_each_condition_begins_at_its_moment() -> None:
    def told(age: float = 0, end: float | None = None, rotate: float | None = None) -> list[str]:
        expiry = None if end is None else Expiry(NOW + end * DAY, "Secret", "p")
        after = None if rotate is None else rotate * DAY
        return conditions(Facts(NOW - age * DAY, expiry, None, after), NOW)

    assert told() == told(end=31) == told(age=89.9) == told(age=200, rotate=201) == []
    assert told(end=30) == ["Expiring in 30d"]
    assert told(end=0.5) == ["Expiring in 12h"]
    assert told(end=0) == told(end=-1) == ["Expired"]
    assert told(age=90) == ["Old>90d"]
    assert told(age=90, end=-1) == ["Expired", "Old>90d"]
    assert told(age=2, rotate=2) == ["RotationDue"]


def _note(room: Room, name: str, **annotations: str) -> None:
    body = {"metadata": {"annotations": {f"strongroom.io/{k}": v for k, v in annotations.items()}}}

    async def patch(client: Client) -> None:
        await client.patch(SECRETS, name, room.namespace, body, kind=Patch.MERGE)

    room.ask(patch)


def _listed(room: Room, *more: str) -> dict[str, dict[str, Any]]:
    tree = json.loads(room.done("list", "-o", "json", *more))
    return {secret["name"]: secret for secret in tree["secrets"]}


def test_annotations_and_certificates_are_told_of(room: Room) -> None:
    room.create("plain", password=b"x")
    assert "CONDITIONS" not in room.done("list")
    now = datetime.now(UTC).replace(microsecond=0)
    room.create("crt", "", **{"tls.crt": ending(now + 5.5 * DAY, begin=now - 400 * DAY)})
    room.create("told", password=b"x")
    _note(room, "told", **{"expires-at": "2026-01-01T00:00:00Z", "rotate-after": "1ms"})

    def told() -> Any:
        """What is listed, once the server has looked at the certificate."""
        listed = _listed(room)
        # A moment makes 5d11h of it.
        expiring = ["Expiring in 5d12h"], ["Expiring in 5d11h"]
        return listed if listed["crt"]["conditions"] in expiring else None

    found = eventually(told)
    assert found["crt"]["expiresFrom"] == "data[tls.crt]"
    assert found["told"]["conditions"] == ["Expired", "RotationDue"]
    assert found["told"]["expires"] == "2026-01-01T00:00:00Z"
    assert found["plain"]["conditions"] == []
    lines = room.done("list").splitlines()
    assert lines[0].endswith("CONDITIONS")
    assert any(line.endswith("Expired, RotationDue") for line in lines)


def test_with_keys_the_values_themselves_are_asked(room: Room) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    room.create("crt", "", **{"tls.crt": ending(now - DAY, begin=now - 400 * DAY)})
    body = {"immutable": True}

    async def freeze(client: Client) -> None:
        await client.patch(SECRETS, "crt", room.namespace, body, kind=Patch.MERGE)

    room.ask(freeze)
    assert _listed(room, "--keys")["crt"]["conditions"] == ["Expired", "Immutable"]
