"""Patch: the three forms, what they may not change, and conflicts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from strongroom.api.patch import PatchType
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import config_map, context, refused, secret


def body(patch: Any) -> bytes:
    return json.dumps(patch).encode()


@pytest.mark.parametrize(
    ("form", "patch"),
    [
        (PatchType.JSON, [{"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}]),
        (PatchType.MERGE, {"metadata": {"labels": {"x": "y"}}}),
        (PatchType.STRATEGIC, {"metadata": {"labels": {"x": "y"}}}),
    ],
)
async def test_each_form(
    secrets: Registry[Any], ctx: RequestContext, form: PatchType, patch: Any
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    view = await secrets.patch(ctx, "prod", "a", form, body(patch))
    assert view.labels == {"x": "y"}
    assert view.obj.data == {"key": b"value"}


async def test_a_patch_that_changes_nothing_is_not_written(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    view = await secrets.patch(ctx, "prod", "a", PatchType.MERGE, b"{}")
    assert view.revision == made.revision == store.current_revision


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        (
            {"metadata": {"name": "b"}},
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            {"metadata": {"namespace": "test"}},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {"metadata": {"uid": "u"}},
            422,
            'Secret "a" is invalid: metadata.uid: Invalid value: "u": field is immutable',
        ),
        (
            {"type": "other"},
            422,
            'Secret "a" is invalid: type: Invalid value: "other": field is immutable',
        ),
        (
            {"metadata": {"resourceVersion": "1"}},
            409,
            (
                'Operation cannot be fulfilled on secrets "a": the object has been modified; '
                "please apply your changes to the latest version and try again"
            ),
        ),
    ],
)
async def test_refusals(
    secrets: Registry[Any], ctx: RequestContext, patch: Any, code: int, message: str
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    answer = secrets.patch(ctx, "prod", "a", PatchType.MERGE, body(patch))
    found, _, text = await refused(answer)
    assert (found, text) == (code, message)


async def test_what_is_not_there_cannot_be_patched(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    answer = secrets.patch(ctx, "prod", "a", PatchType.MERGE, b"{}")
    assert await refused(answer) == (404, "NotFound", 'secrets "a" not found')


async def test_unknown_fields(secrets: Registry[Any], ctx: RequestContext) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    patch = body({"daata": {"key": "dmFsdWU="}})
    warnings: list[str] = []
    await secrets.patch(context(warn=warnings.append), "prod", "a", PatchType.MERGE, patch)
    assert warnings == ['unknown field "daata"']
    silent = context(field_validation="Ignore", warn=warnings.append)
    await secrets.patch(silent, "prod", "a", PatchType.MERGE, patch)
    assert len(warnings) == 1
    strict = context(field_validation="Strict")
    code, reason, message = await refused(
        secrets.patch(strict, "prod", "a", PatchType.MERGE, patch)
    )
    assert (code, reason) == (422, "Invalid")
    assert 'strict decoding error: unknown field "daata"' in message
    assert "dmFsdWU=" not in message


async def test_many_patches_at_once_all_count(
    config_maps: Registry[Any], ctx: RequestContext
) -> None:
    await config_maps.create(ctx, "prod", config_map("a"))

    async def patch(i: int) -> None:
        change = body({"data": {f"k{i}": str(i)}})
        await config_maps.patch(ctx, "prod", "a", PatchType.STRATEGIC, change)

    await asyncio.gather(*(patch(i) for i in range(50)))
    assert len((await config_maps.get(ctx, "prod", "a")).obj.data) == 50


async def test_a_writer_is_overtaken_and_tries_again(
    config_maps: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    """The cache is behind: the swap fails once, and the patch is applied to what it replaces."""
    await config_maps.create(ctx, "prod", config_map("a", {"x": "1"}))
    await config_maps.get(ctx, "prod", "a")
    kv = await store.get("/registry/configmaps/prod/a")
    assert kv is not None
    await store.update(kv.key, kv.value.replace(b'"x":"1"', b'"x":"2"'), expected=kv.mod_revision)
    view = await config_maps.patch(ctx, "prod", "a", PatchType.MERGE, b'{"data":{"y":"3"}}')
    assert view.obj.data == {"x": "2", "y": "3"}
