"""Shared events: one object for all who want it in time, bounded in number and bytes."""

from __future__ import annotations

import pytest

from strongroom.api.clock import SystemClock
from strongroom.api.meta import ObjectMeta
from strongroom.registry import events
from strongroom.registry.events import SharedEvents
from strongroom.registry.view import Form, View
from strongroom.resources.secret import SECRETS, Secret

KEY = "/registry/secrets/prod/a"


def view(size: int = 0) -> View[Secret]:
    form = Form(SECRETS)
    obj = Secret(metadata=ObjectMeta(name="a", namespace="prod"), data={"k": b"x" * size})
    return form.view(KEY, form.encode(obj), 1)


def test_one_change_is_one_event() -> None:
    shared = SharedEvents[Secret](SystemClock())
    first = shared.get("ADDED", KEY, view(), 5)
    assert shared.get("ADDED", KEY, view(), 5) is first
    assert shared.get("MODIFIED", KEY, view(), 5) is not first
    assert shared.get("ADDED", KEY, view(), 6) is not first
    assert first.view is not None
    assert first.view.revision == 5


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MAX_EVENTS", 3)
    shared = SharedEvents[Secret](SystemClock())
    made = [shared.get("ADDED", KEY, view(), revision) for revision in range(1, 6)]
    assert shared.get("ADDED", KEY, view(), 5) is made[4]
    assert shared.get("ADDED", KEY, view(), 1) is not made[0]


def test_large_objects_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MAX_BYTES", 1000)
    shared = SharedEvents[Secret](SystemClock())
    large = shared.get("ADDED", KEY, view(5000), 1)
    assert shared.get("ADDED", KEY, view(5000), 1) is not large
    small = shared.get("ADDED", KEY, view(1), 2)
    assert shared.get("ADDED", KEY, view(1), 2) is small
