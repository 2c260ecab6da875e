"""By no way of writing a Secret does a value get into the annotation of `kubectl apply`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.api import codec
from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.api.patch import PatchType
from strongroom.registry.registry import Registry
from strongroom.resources.secret import SECRETS, Secret
from tests.registry.conftest import Open, context, secret

TEXT = json.dumps({"data": {"key": "aHVudGVyMg=="}, "stringData": {"text": "hunter2"}})
CHANGE = {"metadata": {"annotations": {ANNOTATION: TEXT}}}
PATCHES = {
    PatchType.MERGE: CHANGE,
    PatchType.STRATEGIC: CHANGE,
    PatchType.JSON: [
        {"op": "add", "path": "/metadata/annotations", "value": {ANNOTATION: TEXT}},
    ],
}


async def stored(secrets: Registry[Secret]) -> bytes:
    view = await secrets.get(context(), "n", "x")
    last = json.loads(view.obj.metadata.annotations[ANNOTATION])
    assert last == {"data": {"key": MASK}, "stringData": {"text": MASK}}
    return view.stored


async def test_create_and_update(secrets: Registry[Secret]) -> None:
    made = await secrets.create(context(), "n", secret("x", annotations={ANNOTATION: TEXT}))
    assert b"hunter2" not in await stored(secrets)
    changed = codec.from_tree(codec.to_tree(made.obj), Secret)
    changed.metadata.annotations = {ANNOTATION: TEXT}
    again = await secrets.update(context(), "n", "x", changed)
    assert again.revision == made.revision


@pytest.mark.parametrize("kind", PATCHES)
async def test_patches(secrets: Registry[Secret], kind: PatchType) -> None:
    await secrets.create(context(), "n", secret("x"))
    await secrets.patch(context(), "n", "x", kind, json.dumps(PATCHES[kind]).encode())
    assert b"hunter2" not in await stored(secrets)


async def test_apply_on_the_server(secrets: Registry[Secret]) -> None:
    config = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", **CHANGE["metadata"]}}
    ctx = context(field_manager="a")
    body = json.dumps(config).encode()
    await secrets.apply_configuration(ctx, "n", "x", body, subresource="", force=False)
    assert b"hunter2" not in await stored(secrets)


class Onlooker:
    """Admission that notes what it is shown, and writes a value into the annotation itself."""

    name = "Onlooker"

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def mutate(self, request: Any) -> None:
        meta = request.obj.metadata
        self.seen.append(meta.annotations[ANNOTATION])
        meta.annotations = {ANNOTATION: TEXT}
        request.rewritten = True

    async def validate(self, request: Any) -> None:
        self.seen.append(request.obj.metadata.annotations[ANNOTATION])


async def test_admission_sees_no_value_and_stores_none(open_registry: Open) -> None:
    onlooker = Onlooker()
    secrets = await open_registry(SECRETS, onlooker)
    await secrets.create(context(), "n", secret("x", annotations={ANNOTATION: TEXT}))
    body = json.dumps({"metadata": {"annotations": {ANNOTATION: TEXT}, "labels": {"a": "b"}}})
    await secrets.patch(context(), "n", "x", PatchType.MERGE, body.encode())
    assert len(onlooker.seen) == 4
    assert not any("hunter2" in text or "aHVudGVyMg" in text for text in onlooker.seen)
    assert b"hunter2" not in await stored(secrets)
