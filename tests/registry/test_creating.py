"""Create: names, namespaces, what the server fills in, and every refusal's text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, OwnerReference
from strongroom.registry.context import RequestContext
from strongroom.registry.names import generate_name
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, context, refused, secret


async def test_what_only_the_server_sets_is_not_taken_from_the_client(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    obj = secret(
        "a",
        uid="mine",
        creationTimestamp="2001-01-01T00:00:00Z",
        deletionTimestamp="2001-01-01T00:00:00Z",
        deletionGracePeriodSeconds=3,
        selfLink="/x",
    )
    meta = (await secrets.create(ctx, "prod", obj)).obj.metadata
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-.{12}", meta.uid)
    assert meta.creationTimestamp == "2026-03-01T12:00:00Z"
    assert meta.deletionTimestamp == ""
    assert meta.deletionGracePeriodSeconds is None
    assert meta.selfLink == ""


async def test_the_stored_value_has_no_resource_version(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    view = await secrets.create(ctx, "prod", secret("a"))
    kv = await store.get("/registry/secrets/prod/a")
    assert kv is not None
    stored, wire = json.loads(kv.value), json.loads(view.wire)
    assert wire["metadata"].pop("resourceVersion") == str(kv.mod_revision)
    assert stored == wire
    assert view.stored == kv.value


@pytest.mark.parametrize(
    ("obj", "code", "reason", "message"),
    [
        (
            secret("a", resourceVersion="1"),
            400,
            "BadRequest",
            "resourceVersion should not be set on objects to be created",
        ),
        (
            secret("a", namespace="other"),
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            secret(""),
            422,
            "Invalid",
            'Secret "" is invalid: metadata.name: Required value: name or generateName is required',
        ),
        (
            secret("A"),
            422,
            "Invalid",
            (
                'Secret "A" is invalid: metadata.name: Invalid value: "A": a lowercase RFC 1123 '
                "subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                "must start and end with an alphanumeric character (e.g. 'example.com', regex "
                "used for validation is "
                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ),
        ),
    ],
)
async def test_refusals(
    secrets: Registry[Any], ctx: RequestContext, obj: Any, code: int, reason: str, message: str
) -> None:
    assert await refused(secrets.create(ctx, "prod", obj)) == (code, reason, message)
    assert (await secrets.list(ctx, "", ListOptions())).items == []


async def test_a_second_object_of_the_name_is_refused(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    with pytest.raises(StatusError) as caught:
        await secrets.create(ctx, "prod", secret("a"))
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")
    assert caught.value.message == 'secrets "a" already exists'
    await secrets.create(ctx, "test", secret("a"))


async def test_a_name_held_by_an_object_that_is_going(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a", finalizers=["example.com/keep"]))
    await secrets.delete(ctx, "prod", "a", DeleteOptions())
    code, _, message = await refused(secrets.create(ctx, "prod", secret("a")))
    assert (code, message) == (409, 'object is being deleted: secrets "a" already exists')


async def test_the_namespace_comes_from_the_request(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    view = await secrets.create(ctx, "prod", secret("a"))
    assert (view.namespace, view.obj.metadata.namespace) == ("prod", "prod")


async def test_a_cluster_scoped_object_loses_its_namespace(
    open_registry: Open, ctx: RequestContext
) -> None:
    namespaces = await open_registry(NAMESPACES)
    obj = Namespace()
    obj.metadata.name, obj.metadata.namespace = "prod", "somewhere"
    view = await namespaces.create(ctx, "", obj)
    assert (view.namespace, view.obj.metadata.namespace) == ("", "")
    assert view.obj.status.phase == "Active"


def test_generated_names_are_cut_and_made_of_upstreams_characters() -> None:
    assert re.fullmatch("web-[bcdfghjklmnpqrstvwxz2456789]{5}", generate_name("web-"))
    long = generate_name("x" * 70)
    assert len(long) == 63
    assert long.startswith("x" * 58)


async def test_a_name_is_generated(secrets: Registry[Any], ctx: RequestContext) -> None:
    view = await secrets.create(ctx, "prod", secret("", generateName="web-"))
    assert re.fullmatch("web-[a-z0-9]{5}", view.name)
    assert view.obj.metadata.generateName == "web-"


async def test_a_generated_name_that_is_taken_is_tried_again(
    secrets: Registry[Any], ctx: RequestContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(["web-taken", "web-taken", "web-free"])
    monkeypatch.setattr("strongroom.registry.creating.generate_name", lambda base: next(made))
    first = await secrets.create(ctx, "prod", secret("", generateName="web-"))
    second = await secrets.create(ctx, "prod", secret("", generateName="web-"))
    assert (first.name, second.name) == ("web-taken", "web-free")


async def test_after_eight_taken_names_the_client_is_told(
    secrets: Registry[Any], ctx: RequestContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def one_name(base: str) -> str:
        tried.append(base)
        return "web-taken"

    monkeypatch.setattr("strongroom.registry.creating.generate_name", one_name)
    await secrets.create(ctx, "prod", secret("web-taken"))
    with pytest.raises(StatusError) as caught:
        await secrets.create(ctx, "prod", secret("", generateName="web-"))
    assert len(tried) == 8
    assert caught.value.message == (
        'secrets "web-taken" already exists, the server was not able to generate a unique name '
        "for the object"
    )
    assert caught.value.details is not None
    assert caught.value.details.retryAfterSeconds == 1


async def test_a_dry_run_answers_without_storing(secrets: Registry[Any]) -> None:
    dry = context(dry_run=True)
    view = await secrets.create(dry, "prod", secret("a"))
    assert b"resourceVersion" not in view.wire
    assert view.obj.metadata.uid
    assert (await secrets.list(dry, "", ListOptions())).items == []
    await secrets.create(context(), "prod", secret("a"))
    code, reason, _ = await refused(secrets.create(dry, "prod", secret("a")))
    assert (code, reason) == (409, "AlreadyExists")


async def test_owner_references_are_made_unique_with_a_warning(secrets: Registry[Any]) -> None:
    warnings: list[str] = []
    owner = OwnerReference(apiVersion="v1", kind="Pod", name="p", uid="u1")
    obj = secret("a", ownerReferences=[owner, owner])
    view = await secrets.create(context(warn=warnings.append), "prod", obj)
    assert len(view.obj.metadata.ownerReferences) == 1
    text = (
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references "
        "in 1.20+, and may reject such requests as early as 1.24; please fix your requests; "
        "duplicate UID(s) observed: u1"
    )
    assert warnings == [text]
