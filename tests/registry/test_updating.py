"""Update: conflicts, what stays, what is refused, and many writers at once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.resources.configmap import ConfigMap, ConfigMapResource
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.resource import Resource
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, config_map, context, refused, secret

MODIFIED = (
    'Operation cannot be fulfilled on secrets "a": the object has been modified; please apply your '
    "changes to the latest version and try again"
)


def kind(**changes: Any) -> Resource[ConfigMap]:
    """A kind like ConfigMap, but for some of its declaration."""
    facts: dict[str, Any] = {
        "group": "", "version": "v1", "kind": "ConfigMap", "plural": "configmaps",
        "type": ConfigMap, "namespaced": True,
    }  # fmt: skip
    return ConfigMapResource(**{**facts, **changes})


async def test_an_update_with_the_present_version_is_stored(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    obj = (await secrets.create(ctx, "prod", secret("a"))).decode()
    obj.metadata.labels = {"x": "y"}
    obj.metadata.generation = 9
    obj.metadata.creationTimestamp = "2001-01-01T00:00:00Z"
    view = await secrets.update(ctx, "prod", "a", obj)
    assert view.revision == 3
    assert view.labels == {"x": "y"}
    assert view.obj.metadata.generation == 0
    assert view.obj.metadata.creationTimestamp == "2026-03-01T12:00:00Z"


async def test_an_update_with_an_old_version_conflicts(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    old = await secrets.create(ctx, "prod", secret("a"))
    await secrets.update(ctx, "prod", "a", secret("a", labels={"x": "1"}))
    assert await refused(secrets.update(ctx, "prod", "a", old.decode())) == (
        409,
        "Conflict",
        MODIFIED,
    )


async def test_an_update_without_version_replaces_whatever_is_there(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    view = await secrets.update(ctx, "prod", "a", secret("a", labels={"x": "y"}))
    assert view.obj.metadata.uid == made.obj.metadata.uid
    assert view.labels == {"x": "y"}


async def test_a_kind_may_demand_the_version(open_registry: Open, ctx: RequestContext) -> None:
    registry = await open_registry(kind(unconditional_update=False))
    await registry.create(ctx, "prod", config_map("a"))
    assert await refused(registry.update(ctx, "prod", "a", config_map("a"))) == (
        422,
        "Invalid",
        (
            'configmaps "a" is invalid: metadata.resourceVersion: Invalid value: 0: '
            "must be specified for an update"
        ),
    )


async def test_an_update_that_changes_nothing_is_not_written(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    view = await secrets.update(ctx, "prod", "a", made.decode())
    assert view.revision == made.revision == store.current_revision


@pytest.mark.parametrize(
    ("obj", "code", "message"),
    [
        (
            secret("b"),
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            secret(""),
            400,
            "the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        (
            secret("a", namespace="test"),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            secret("a", resourceVersion="x"),
            400,
            (
                'invalid resource version: resourceVersion: Invalid value: "x": '
                'strconv.ParseUint: parsing "x": invalid syntax'
            ),
        ),
        (
            secret("a", labels={"x": "not valid"}),
            422,
            (
                'Secret "a" is invalid: metadata.labels: Invalid value: "not valid": a valid label '
                "must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                "and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
                "'my_value',  or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ),
        ),
    ],
)
async def test_refusals(
    secrets: Registry[Any], ctx: RequestContext, obj: Any, code: int, message: str
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    found, _, text = await refused(secrets.update(ctx, "prod", "a", obj))
    assert (found, text) == (code, message)


async def test_an_object_that_is_not_there(secrets: Registry[Any], ctx: RequestContext) -> None:
    assert await refused(secrets.update(ctx, "prod", "a", secret("a", uid="u"))) == (
        404,
        "NotFound",
        'secrets "a" not found',
    )


async def test_the_uid_of_the_object_must_be_that_of_the_stored_one(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    uid = (await secrets.create(ctx, "prod", secret("a"))).obj.metadata.uid
    assert await refused(secrets.update(ctx, "prod", "a", secret("a", uid="other"))) == (
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on secrets "a": StorageError: invalid object, Code: 4, '
            "Key: /registry/secrets/prod/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
            f"failed: UID in precondition: other, UID in object meta: {uid}"
        ),
    )


async def test_some_kinds_are_made_by_an_update(open_registry: Open) -> None:
    registry = await open_registry(kind(create_on_update=True))
    ctx = context()
    view = await registry.update(ctx, "prod", "a", config_map("a"))
    assert ctx.created
    assert view.obj.metadata.uid
    again = context()
    await registry.update(again, "prod", "a", config_map("a", {"x": "y"}))
    assert not again.created


async def test_a_dry_run_answers_without_storing(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    dry = context(dry_run=True)
    view = await secrets.update(dry, "prod", "a", secret("a", labels={"x": "y"}))
    assert view.labels == {"x": "y"}
    assert view.revision == made.revision
    assert (await secrets.get(ctx, "prod", "a")).wire == made.wire


async def test_taking_off_the_last_finalizer_of_a_marked_object_removes_it(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a", finalizers=["example.com/keep"]))
    marked, removed = await secrets.delete(ctx, "prod", "a", DeleteOptions())
    assert not removed
    obj = marked.decode()
    obj.metadata.finalizers = ["example.com/keep", "example.com/late"]
    code, _, message = await refused(secrets.update(ctx, "prod", "a", obj))
    assert code == 422
    assert "no new finalizers can be added if the object is being deleted" in message
    obj.metadata.finalizers = []
    await secrets.update(context(dry_run=True), "prod", "a", obj)
    await secrets.get(ctx, "prod", "a")
    last = await secrets.update(ctx, "prod", "a", obj)
    assert last.obj.metadata.deletionTimestamp == "2026-03-01T12:00:00Z"
    code, _, _ = await refused(secrets.get(ctx, "prod", "a"))
    assert code == 404


async def test_a_subresource_changes_its_part_only(
    open_registry: Open, ctx: RequestContext
) -> None:
    namespaces = await open_registry(NAMESPACES)
    obj = Namespace()
    obj.metadata.name = "prod"
    made = (await namespaces.create(ctx, "", obj)).decode()
    made.spec.finalizers = []
    made.metadata.annotations = {"seen": "yes"}
    view = await namespaces.update(ctx, "", "prod", made, subresource="status")
    assert view.obj.spec.finalizers == ["kubernetes"]
    made = view.decode()
    made.status.phase = "Terminating"
    code, _, message = await refused(namespaces.update(ctx, "", "prod", made, subresource="status"))
    assert code == 422
    assert "may only be 'Active' if `deletionTimestamp` is empty" in message
    code, _, _ = await refused(namespaces.update(ctx, "", "prod", made, subresource="nothing"))
    assert code == 404


async def test_a_namespace_goes_when_it_is_finalized(
    open_registry: Open, ctx: RequestContext
) -> None:
    namespaces = await open_registry(NAMESPACES)
    obj = Namespace()
    obj.metadata.name = "prod"
    await namespaces.create(ctx, "", obj)
    marked, removed = await namespaces.delete(ctx, "", "prod", DeleteOptions())
    assert (removed, marked.obj.status.phase) == (False, "Terminating")
    again, removed = await namespaces.delete(ctx, "", "prod", DeleteOptions())
    assert (removed, again.revision) == (False, marked.revision)
    done = marked.decode()
    done.spec.finalizers = []
    await namespaces.update(ctx, "", "prod", done, subresource="finalize")
    code, _, _ = await refused(namespaces.get(ctx, "", "prod"))
    assert code == 404


class Judge:
    """Admission that notes what it is asked and adds a label."""

    name = "judge"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bool]] = []

    async def mutate(self, request: Any) -> None:
        self.asked.append(("mutate", request.operation, request.old is not None))
        if request.obj is not None:
            request.obj.metadata.labels["judged"] = request.operation

    async def validate(self, request: Any) -> None:
        self.asked.append(("validate", request.operation, request.old is not None))


async def test_admission_changes_before_it_judges(open_registry: Open, ctx: RequestContext) -> None:
    judge = Judge()
    registry = await open_registry(kind(), judge)
    made = await registry.create(ctx, "prod", config_map("a"))
    assert made.labels == {"judged": "CREATE"}
    changed = await registry.update(ctx, "prod", "a", config_map("a"))
    assert changed.labels == {"judged": "UPDATE"}
    assert made.labels == {"judged": "CREATE"}
    await registry.delete(ctx, "prod", "a", DeleteOptions())
    assert judge.asked == [
        ("mutate", "CREATE", False),
        ("validate", "CREATE", False),
        ("mutate", "UPDATE", True),
        ("validate", "UPDATE", True),
        ("mutate", "DELETE", True),
        ("validate", "DELETE", True),
    ]


class Meddler(ConfigMapResource):
    """Moves a part of the old object into the new one, as strategies do."""

    def prepare_for_update(self, new: ConfigMap, old: ConfigMap, now: datetime) -> None:
        new.metadata.labels = old.metadata.labels


async def test_admission_cannot_reach_the_old_object_through_the_new_one(
    open_registry: Open, ctx: RequestContext
) -> None:
    facts = kind()
    registry = await open_registry(
        Meddler("", "v1", "ConfigMap", "configmaps", facts.type, True), Judge()
    )
    made = await registry.create(ctx, "prod", config_map("a"))
    before = made.wire
    await registry.update(ctx, "prod", "a", config_map("a"))
    assert made.obj.metadata.labels == {"judged": "CREATE"}
    assert made.wire == before


async def test_many_writers_lose_no_update(config_maps: Registry[Any], ctx: RequestContext) -> None:
    await config_maps.create(ctx, "prod", config_map("counter", {"n": "0"}))

    async def add_one() -> None:
        while True:
            obj = (await config_maps.get(ctx, "prod", "counter", "0")).decode()
            obj.data["n"] = str(int(obj.data["n"]) + 1)
            await asyncio.sleep(0)
            try:
                await config_maps.update(ctx, "prod", "counter", obj)
            except StatusError as error:
                if error.reason != "Conflict":
                    raise
            else:
                return

    await asyncio.gather(*(add_one() for _ in range(60)))
    view = await config_maps.get(ctx, "prod", "counter")
    assert view.obj.data == {"n": "60"}
