"""Values that another API server stored in protobuf: read, listed, watched, and written anew."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from random import Random
from typing import Any, cast

import pytest
from google.protobuf.descriptor_pool import DescriptorPool

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.api.protobuf import PREFIX, encode_protobuf
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions, WatchOptions
from strongroom.registry.registry import Registry
from strongroom.registry.view import Form, Undecodable
from strongroom.resources.catalog import CATALOG
from strongroom.resources.resource import Resource
from strongroom.resources.secret import SECRETS, Secret
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import KeyValue
from tests.api.protobuf_objects import Filler
from tests.api.test_protobuf_upstream import new
from tests.layer import message_pool
from tests.parts import require_part

KEY = "/registry/secrets/prod/a"


@pytest.fixture(scope="module")
def pool() -> DescriptorPool:
    return message_pool(require_part("kubectl-1.33"))


def upstream_secret(pool: DescriptorPool) -> bytes:
    """A Secret as kube-apiserver stores it, made of upstream's own messages."""
    secret: Any = new(pool, "k8s.io.api.core.v1.Secret")
    meta = secret.metadata
    meta.name, meta.namespace, meta.uid, meta.generation = "a", "prod", "1-2-3", 0
    meta.creationTimestamp.seconds, meta.creationTimestamp.nanos = 1_700_000_000, 0
    owner = meta.managedFields.add(manager="kubectl", operation="Update", apiVersion="v1")
    owner.fieldsType, owner.fieldsV1.Raw = "FieldsV1", b'{"f:data":{"f:k":{}}}'
    meta.labels["app"] = "x"
    secret.data["k"], secret.type = b"value", "Opaque"
    unknown: Any = new(pool, "k8s.io.apimachinery.pkg.runtime.Unknown")
    unknown.typeMeta.apiVersion, unknown.typeMeta.kind = "v1", "Secret"
    unknown.raw, unknown.contentEncoding, unknown.contentType = secret.SerializeToString(), "", ""
    envelope: bytes = unknown.SerializeToString()
    return PREFIX + envelope


@pytest.mark.needs("kubectl-1.33")
async def test_it_is_read_listed_and_watched(
    secrets: Registry[Secret], store: MemoryStore, ctx: RequestContext, pool: DescriptorPool
) -> None:
    revision = await store.create(KEY, upstream_secret(pool))
    view = await secrets.get(ctx, "prod", "a")
    assert json.loads(view.wire) == {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": str(revision),
            "name": "a",
            "namespace": "prod",
            "uid": "1-2-3",
            "creationTimestamp": "2023-11-14T22:13:20Z",
            "labels": {"app": "x"},
            "managedFields": [
                {
                    "manager": "kubectl",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {"f:k": {}}},
                }
            ],
        },
        "data": {"k": "dmFsdWU="},
        "type": "Opaque",
    }
    result = await secrets.list(ctx, "prod", ListOptions())
    assert [item.wire for item in result.items] == [view.wire]
    async with aclosing(follow(secrets, ctx)) as batches:
        (event,) = await anext(batches)
    assert (event.type, event.view.wire) == ("ADDED", view.wire)


def follow(secrets: Registry[Secret], ctx: RequestContext) -> AsyncGenerator[Any, None]:
    options = WatchOptions(resource_version="0")
    return cast("AsyncGenerator[Any, None]", secrets.watch(ctx, "prod", options))


@pytest.mark.needs("kubectl-1.33")
async def test_an_update_writes_json(
    secrets: Registry[Secret], store: MemoryStore, ctx: RequestContext, pool: DescriptorPool
) -> None:
    await store.create(KEY, upstream_secret(pool))
    changed = (await secrets.get(ctx, "prod", "a")).decode()
    changed.data["k"] = b"other"
    await secrets.update(ctx, "prod", "a", changed)
    kept = await store.get(KEY)
    assert kept is not None
    assert json.loads(kept.value)["data"] == {"k": "b3RoZXI="}
    assert (await secrets.get(ctx, "prod", "a")).obj.data == {"k": b"other"}


@pytest.mark.parametrize("resource", CATALOG.all(), ids=lambda r: f"{r.plural}.{r.group}")
def test_every_kind_is_read_as_it_was_written(resource: Resource[Any]) -> None:
    form: Form[Any] = Form(resource)
    name = f"{resource.prefix()}{'ns/' if resource.namespaced else ''}a"
    struct = resource.stored.type if resource.stored else resource.type
    kind = resource.stored.kind if resource.stored else resource.kind
    version = resource.stored.api_version if resource.stored else resource.api_version
    obj = Filler(Random(7)).object(struct, None)
    obj.kind, obj.apiVersion, obj.metadata.name = kind, version, "a"
    value = encode_protobuf(obj, api_version=version, kind=kind)
    view, same = form.view(name, value, 5), form.view(name, codec.encode(obj), 5)
    assert view.wire == same.wire
    assert view.message == same.message


@pytest.mark.parametrize(
    "value",
    [
        PREFIX,
        PREFIX + b"hunter2",
        PREFIX + b"\x12\x0d\x12\x0bhunter2====",
        PREFIX + b"\x12\x09\x1a\x07hunter\xff",
        PREFIX + b"\x12\x7fhunter2",
        PREFIX + b"\x1a\x07hunter2",
    ],
)
async def test_what_is_malformed_tells_nothing(
    secrets: Registry[Secret], store: MemoryStore, ctx: RequestContext, value: bytes
) -> None:
    with pytest.raises(Undecodable) as raised:
        Form(SECRETS).project(KeyValue(KEY, value, 1, 1))
    assert "hunter" not in repr(raised.value)
    assert raised.value.__cause__ is None
    await store.create(KEY, value)
    with pytest.raises(StatusError) as refused:
        await secrets.get(ctx, "prod", "a")
    assert refused.value.code == 500
    assert "hunter" not in str(refused.value)
