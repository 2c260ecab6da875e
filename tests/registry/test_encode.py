"""The bytes: lists, Tables, metadata only, watch lines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from strongroom.api.errors import StatusError, expired
from strongroom.registry import encode
from strongroom.registry.context import RequestContext
from strongroom.registry.encode import EventEncoder, TableEncoder
from strongroom.registry.events import WatchEvent
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS
from tests.registry.conftest import NOW, secret


async def two(secrets: Registry[Any], ctx: RequestContext) -> list[Any]:
    return [await secrets.create(ctx, "prod", secret(name)) for name in ("a", "b")]


async def test_a_list_is_its_objects_without_their_kind(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    views = await two(secrets, ctx)
    result = await secrets.list(ctx, "", ListOptions(limit=1))
    answer = json.loads(encode.listed(SECRETS, result))
    item = json.loads(views[0].wire)
    del item["kind"], item["apiVersion"]
    assert answer == {
        "kind": "SecretList",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": "3",
            "continue": result.continue_token,
            "remainingItemCount": 1,
        },
        "items": [item],
    }
    whole = json.loads(encode.listed(SECRETS, await secrets.list(ctx, "", ListOptions())))
    assert [item["metadata"]["name"] for item in whole["items"]] == ["a", "b"]
    assert whole["metadata"] == {"resourceVersion": "3"}


async def test_an_empty_list_has_items(secrets: Registry[Any], ctx: RequestContext) -> None:
    answer = json.loads(encode.listed(SECRETS, await secrets.list(ctx, "", ListOptions())))
    assert answer["items"] == []


async def test_metadata_only(secrets: Registry[Any], ctx: RequestContext) -> None:
    views = await two(secrets, ctx)
    answer = json.loads(encode.partial(views[0]))
    assert answer == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": json.loads(views[0].wire)["metadata"],
    }
    result = await secrets.list(ctx, "", ListOptions())
    many = json.loads(encode.partial_list(result, "v1beta1"))
    assert many["kind"] == "PartialObjectMetadataList"
    assert many["apiVersion"] == "meta.k8s.io/v1beta1"
    assert [item["apiVersion"] for item in many["items"]] == ["meta.k8s.io/v1beta1"] * 2
    assert "data" not in many["items"][0]


async def test_a_table_of_a_list(secrets: Registry[Any], ctx: RequestContext) -> None:
    views = await two(secrets, ctx)
    result = await secrets.list(ctx, "", ListOptions())
    table = json.loads(TableEncoder(SECRETS).many(result, NOW))
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"] == {"resourceVersion": "3"}
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    assert table["columnDefinitions"][0]["format"] == "name"
    assert [row["cells"] for row in table["rows"]] == [
        ["a", "Opaque", 1, "0s"],
        ["b", "Opaque", 1, "0s"],
    ]
    assert table["rows"][0]["object"] == json.loads(encode.partial(views[0]))


async def test_what_a_row_brings_of_its_object(secrets: Registry[Any], ctx: RequestContext) -> None:
    view = (await two(secrets, ctx))[0]
    none = json.loads(TableEncoder(SECRETS, "None").one(view, NOW))
    assert none["rows"][0]["object"] is None
    whole = json.loads(TableEncoder(SECRETS, "Object").one(view, NOW))
    assert whole["rows"][0]["object"] == json.loads(view.wire)
    assert whole["metadata"] == {"resourceVersion": "2"}
    with pytest.raises(StatusError) as caught:
        TableEncoder(SECRETS, "All")
    assert caught.value.message == (
        'Unable to convert to Table as requested: includeObject: Invalid value: "All": must be '
        "'Metadata', 'Object', 'None', or empty"
    )


async def test_an_event_for_one_watcher_keeps_no_copy_of_its_line(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    view = (await two(secrets, ctx))[0]
    event = WatchEvent[Any]("ADDED", view, view.revision, NOW)
    encoder = EventEncoder(SECRETS)
    assert encoder.line(event) == encoder.line(event)
    assert event.lines is None


async def test_an_event_is_encoded_once_for_all(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    view = (await two(secrets, ctx))[0]
    event = WatchEvent[Any]("ADDED", view, view.revision, NOW, lines={})
    one, other = EventEncoder(SECRETS), EventEncoder(SECRETS)
    line = one.line(event)
    assert other.line(event) is line
    assert line.endswith(b"\n")
    assert json.loads(line) == {"type": "ADDED", "object": json.loads(view.wire)}
    metadata = json.loads(EventEncoder(SECRETS, partial="v1").line(event))
    assert metadata["object"] == json.loads(encode.partial(view))


async def test_ages_count_to_the_moment_of_the_event(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    view = (await two(secrets, ctx))[0]
    event = WatchEvent[Any]("ADDED", view, view.revision, NOW + timedelta(minutes=5))
    line = EventEncoder(SECRETS, table=TableEncoder(SECRETS)).line(event)
    assert json.loads(line)["object"]["rows"][0]["cells"] == ["a", "Opaque", 1, "5m"]


async def test_only_the_first_table_of_a_watch_has_columns(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    views = await two(secrets, ctx)
    events = [WatchEvent[Any]("ADDED", view, view.revision, NOW) for view in views]
    encoder = EventEncoder(SECRETS, table=TableEncoder(SECRETS))
    lines = [json.loads(line) for line in encoder.lines(events).splitlines()]
    assert len(lines[0]["object"]["columnDefinitions"]) == 4
    assert lines[1]["object"]["columnDefinitions"] is None
    assert lines[1]["object"]["rows"][0]["cells"][0] == "b"
    later = EventEncoder(SECRETS, table=TableEncoder(SECRETS))
    assert json.loads(later.line(events[1]))["object"]["columnDefinitions"]


def test_bookmarks() -> None:
    event = WatchEvent[Any]("BOOKMARK", None, 7, NOW, initial_end=True)
    line = json.loads(EventEncoder(SECRETS).line(event))
    metadata = {"resourceVersion": "7", "annotations": {"k8s.io/initial-events-end": "true"}}
    assert line["type"] == "BOOKMARK"
    assert line["object"] == {"kind": "Secret", "apiVersion": "v1", "metadata": metadata}
    partial = json.loads(EventEncoder(SECRETS, partial="v1").line(event))
    assert partial["object"]["kind"] == "PartialObjectMetadata"
    assert partial["object"]["metadata"] == metadata
    for include in ("Metadata", "None"):
        encoder = EventEncoder(SECRETS, table=TableEncoder(SECRETS, include))
        table = json.loads(encoder.line(event))["object"]
        assert table["metadata"] == {"resourceVersion": "7"}
        assert table["rows"][0]["object"]["metadata"] == metadata


def test_an_error_ends_a_watch() -> None:
    line = json.loads(encode.error_line(expired("too old resource version: 1 (5)")))
    assert line == {
        "type": "ERROR",
        "object": {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "too old resource version: 1 (5)",
            "reason": "Expired",
            "code": 410,
        },
    }


async def test_the_answer_to_a_delete(secrets: Registry[Any], ctx: RequestContext) -> None:
    view = (await two(secrets, ctx))[0]
    status = encode.deleted(SECRETS, view)
    assert status.status == "Success"
    assert status.details is not None
    assert (status.details.name, status.details.kind) == ("a", "secrets")
    assert status.details.uid == view.obj.metadata.uid
    assert not encode.shows_object(SECRETS, removed=True)
    assert encode.shows_object(SECRETS, removed=False)
    assert encode.shows_object(SERVICE_ACCOUNTS, removed=True)
