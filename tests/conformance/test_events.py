"""Upstream's ``Events`` and ``Events API``: the core form, the newer one, and one store of both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.wire import MERGE, STRATEGIC, Api, gone

TIME = "2026-01-01T00:00:00.000000Z"
NEWER = "/apis/events.k8s.io/v1"


def core_event(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "message": "This is a test event",
        "reason": "Test",
        "type": "Normal",
        "count": 1,
        "involvedObject": {"namespace": namespace},
    }


def event(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "regarding": {"namespace": namespace},
        "eventTime": TIME,
        "note": "This is " + name,
        "action": "Do",
        "reason": "Test",
        "type": "Normal",
        "reportingController": "test-controller",
        "reportingInstance": "test-node",
    }


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """An event without what the server adds to its metadata."""
    added = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace")
    meta = {k: v for k, v in found["metadata"].items() if k not in added}
    return found | {"metadata": meta}


def names(found: Any) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]


async def test_should_ensure_that_an_event_can_be_fetched_patched_deleted_and_listed(
    api: Api, namespace: str
) -> None:
    path = f"{NEWER}/namespaces/{namespace}/events"
    made = await api.create(path, event("event-test", namespace, testevent="true"))
    assert names(await api.get(path)) == ["event-test"]
    assert names(await api.get(f"{NEWER}/events?labelSelector=testevent%3Dtrue")) == ["event-test"]

    read = await api.get(f"{path}/event-test")
    assert read == made
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}
    await api.patch(f"{path}/event-test", {"series": series}, STRATEGIC)
    read = await api.get(f"{path}/event-test")
    assert plain(read) == plain(made) | {"series": series}

    newer = {"count": 100, "lastObservedTime": "2026-01-01T00:02:00.000000Z"}
    await api.put(f"{path}/event-test", read | {"series": newer})
    assert plain(await api.get(f"{path}/event-test")) == plain(made) | {"series": newer}

    in_core = await api.get(f"/api/v1/namespaces/{namespace}/events/event-test")
    assert (in_core["kind"], in_core["apiVersion"]) == ("Event", "v1")
    assert in_core["message"] == made["note"]
    assert in_core["involvedObject"] == {"namespace": namespace}

    await api.delete(f"{path}/event-test")
    await gone(api, f"{path}/event-test")
    assert names(await api.get(path)) == []


@pytest.mark.parametrize("newer", [True, False], ids=["events.k8s.io", "core"])
async def test_should_delete_a_collection_of_events(api: Api, namespace: str, newer: bool) -> None:
    make = event if newer else core_event
    path = f"{NEWER if newer else '/api/v1'}/namespaces/{namespace}/events"
    expected = [f"test-event-{i}" for i in range(1, 4)]
    for name in expected:
        await api.create(path, make(name, namespace, testevent="true"))
    await api.create(path, make("another", namespace))
    assert names(await api.get(f"{path}?labelSelector=testevent%3Dtrue")) == expected
    await api.delete(f"{path}?labelSelector=testevent%3Dtrue")
    assert names(await api.get(path)) == ["another"]


async def test_should_manage_the_lifecycle_of_an_event(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/events"
    await api.create(path, core_event("event-test", namespace, testevent="true"))
    assert names(await api.get("/api/v1/events?labelSelector=testevent%3Dtrue")) == ["event-test"]
    await api.patch(f"{path}/event-test", {"message": "patched"}, STRATEGIC)
    read = await api.get(f"{path}/event-test")
    assert read["message"] == "patched"
    await api.put(f"{path}/event-test", read | {"count": 2, "message": "updated"})
    read = await api.get(f"{path}/event-test")
    assert (read["message"], read["count"], read["reason"]) == ("updated", 2, "Test")
    await api.delete(f"{path}/event-test")
    assert names(await api.get(f"{path}?labelSelector=testevent%3Dtrue")) == []


async def test_an_event_of_either_form_is_watched_in_the_other(api: Api, namespace: str) -> None:
    async with api.watch(f"/api/v1/namespaces/{namespace}/events") as watch:
        await api.create(
            f"{NEWER}/namespaces/{namespace}/events", event("one", namespace, of="newer")
        )
        kind, seen = await watch.next()
        assert (kind, seen["message"], seen["apiVersion"]) == ("ADDED", "This is one", "v1")
        path = f"{NEWER}/namespaces/{namespace}/events/one"
        code, _, message = (await api.ask("PATCH", path, {"note": "Else"}, MERGE)).refused()
        assert code == 422
        assert message.endswith('message: Invalid value: "Else": field is immutable')
        series = {"count": 2, "lastObservedTime": TIME}
        await api.patch(path, {"series": series})
        kind, seen = await watch.next()
        assert (kind, seen["series"]) == ("MODIFIED", series)
