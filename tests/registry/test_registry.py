"""The verbs together, as a client would use them one after another."""

from __future__ import annotations

import json
from typing import Any

from strongroom.api.meta import DeleteOptions
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.registry import Registry
from tests.registry.conftest import names, refused, secret


async def test_the_life_of_a_secret(secrets: Registry[Any], ctx: RequestContext) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    assert json.loads(made.wire) == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": "a",
            "namespace": "prod",
            "uid": made.obj.metadata.uid,
            "resourceVersion": "2",
            "creationTimestamp": "2026-03-01T12:00:00Z",
            "managedFields": [
                {
                    "manager": "unknown",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": "2026-03-01T12:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {".": {}, "f:key": {}}, "f:type": {}},
                }
            ],
        },
        "data": {"key": "dmFsdWU="},
        "type": "Opaque",
    }
    assert (await secrets.get(ctx, "prod", "a")).wire == made.wire

    change = made.decode()
    change.data["key"] = b"other"
    changed = await secrets.update(ctx, "prod", "a", change)
    assert changed.revision == 3
    assert changed.obj.metadata.uid == made.obj.metadata.uid
    listed = await secrets.list(ctx, "prod", ListOptions())
    assert [view.wire for view in listed.items] == [changed.wire]
    assert listed.revision == 3

    last, removed = await secrets.delete(ctx, "prod", "a", DeleteOptions())
    assert removed
    assert last.obj.metadata.resourceVersion == "4"
    code, reason, message = await refused(secrets.get(ctx, "prod", "a"))
    assert (code, reason, message) == (404, "NotFound", 'secrets "a" not found')


async def test_a_watch_sees_what_writers_do(secrets: Registry[Any], ctx: RequestContext) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    await secrets.create(ctx, "test", secret("b"))
    watch = secrets.watch(ctx, "prod", WatchOptions(resource_version=str(made.revision)))
    await secrets.update(ctx, "prod", "a", secret("a", labels={"x": "y"}))
    await secrets.delete(ctx, "prod", "a", DeleteOptions())
    seen: list[tuple[str, int]] = []
    async for batch in watch:
        seen += [(event.type, event.revision) for event in batch]
        if len(seen) == 2:
            break
    await watch.aclose()  # type: ignore[attr-defined] # an asynchronous generator
    assert seen == [("MODIFIED", 4), ("DELETED", 5)]


async def test_deletecollection_answers_with_what_it_deleted(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    for name in ("a", "b", "c"):
        await secrets.create(ctx, "prod", secret(name))
    await secrets.create(ctx, "test", secret("d"))
    result = await secrets.delete_collection(ctx, "prod", ListOptions(), DeleteOptions())
    assert names(result.items) == ["a", "b", "c"]
    everything = await secrets.list(ctx, "", ListOptions())
    assert names(everything.items) == ["d"]
