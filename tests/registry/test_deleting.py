"""Delete: preconditions, finalizers, propagation, collections."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from strongroom.api import codec
from strongroom.api.meta import DeleteOptions, ObjectMeta, Preconditions
from strongroom.api.selectors import LabelSelector
from strongroom.registry.context import RequestContext
from strongroom.registry.deleting import finalizers_for
from strongroom.registry.options import ListOptions
from strongroom.registry.registry import Registry
from strongroom.resources.job import JOBS
from strongroom.resources.job_object import Job
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_spec import PodSpec
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import Open, context, names, refused, secret


async def test_what_is_not_there(secrets: Registry[Any], ctx: RequestContext) -> None:
    answer = secrets.delete(ctx, "prod", "a", DeleteOptions())
    assert await refused(answer) == (404, "NotFound", 'secrets "a" not found')


async def test_preconditions(secrets: Registry[Any], ctx: RequestContext) -> None:
    view = await secrets.create(ctx, "prod", secret("a"))
    uid, version = view.obj.metadata.uid, view.obj.metadata.resourceVersion

    async def attempt(**preconditions: str) -> tuple[int, str, str]:
        options = DeleteOptions(preconditions=Preconditions(**preconditions))
        return await refused(secrets.delete(ctx, "prod", "a", options))

    start = 'Operation cannot be fulfilled on Secret "a": '
    assert await attempt(uid="other") == (
        409,
        "Conflict",
        (
            f"{start}the UID in the precondition (other) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated"
        ),
    )
    assert await attempt(resourceVersion="1") == (
        409,
        "Conflict",
        (
            f"{start}the ResourceVersion in the precondition (1) does not match the "
            f"ResourceVersion in record ({version}). The object might have been modified"
        ),
    )
    options = DeleteOptions(preconditions=Preconditions(uid=uid, resourceVersion=version))
    _, removed = await secrets.delete(ctx, "prod", "a", options)
    assert removed


async def test_preconditions_hold_against_what_the_store_has(
    secrets: Registry[Any], ctx: RequestContext, store: MemoryStore
) -> None:
    """A cache that is behind must not let a delete through that names an old version."""
    view = await secrets.create(ctx, "prod", secret("a"))
    await secrets.get(ctx, "prod", "a")
    kv = await store.get("/registry/secrets/prod/a")
    assert kv is not None
    await store.update(kv.key, kv.value + b" ", expected=kv.mod_revision)
    version = view.obj.metadata.resourceVersion
    options = DeleteOptions(preconditions=Preconditions(resourceVersion=version))
    code, _, _ = await refused(secrets.delete(ctx, "prod", "a", options))
    assert code == 409
    assert await store.get(kv.key) is not None


async def test_options_that_contradict_each_other(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    options = DeleteOptions(orphanDependents=True, propagationPolicy="Orphan")
    code, reason, message = await refused(secrets.delete(ctx, "prod", "a", options))
    assert (code, reason) == (422, "Invalid")
    assert message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": '
        "orphanDependents and deletionPropagation cannot be both set"
    )


async def test_finalizers_keep_an_object_and_mark_it(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    obj = secret("a", finalizers=["example.com/keep"], generation=1)
    await secrets.create(ctx, "prod", obj)
    marked, removed = await secrets.delete(ctx, "prod", "a", DeleteOptions())
    meta = marked.obj.metadata
    assert not removed
    assert meta.deletionTimestamp == "2026-03-01T12:00:00Z"
    assert meta.deletionGracePeriodSeconds == 0
    assert meta.generation == 2
    again, removed = await secrets.delete(ctx, "prod", "a", DeleteOptions())
    assert (removed, again.revision) == (False, marked.revision)


@pytest.mark.parametrize(
    ("options", "present", "wanted"),
    [
        (DeleteOptions(), [], []),
        (DeleteOptions(propagationPolicy="Background"), ["orphan", "a/b"], ["a/b"]),
        (DeleteOptions(propagationPolicy="Orphan"), ["a/b"], ["a/b", "orphan"]),
        (DeleteOptions(propagationPolicy="Foreground"), [], ["foregroundDeletion"]),
        (DeleteOptions(propagationPolicy="Foreground"), ["orphan"], ["foregroundDeletion"]),
        (DeleteOptions(orphanDependents=True), [], ["orphan"]),
        (DeleteOptions(orphanDependents=False), ["orphan"], []),
        (DeleteOptions(), ["orphan", "a/b"], ["orphan", "a/b"]),
        (DeleteOptions(), ["foregroundDeletion"], ["foregroundDeletion"]),
    ],
)
def test_propagation(options: DeleteOptions, present: list[str], wanted: list[str]) -> None:
    assert finalizers_for(present, options) == wanted


@pytest.mark.parametrize(
    ("options", "default", "present", "wanted"),
    [
        (DeleteOptions(), "orphan", [], ["orphan"]),
        (DeleteOptions(), "orphan", ["foregroundDeletion"], ["foregroundDeletion"]),
        (DeleteOptions(propagationPolicy="Background"), "orphan", [], []),
        (DeleteOptions(orphanDependents=False), "orphan", [], []),
        (DeleteOptions(propagationPolicy="Orphan"), "ignore", ["a/b"], ["a/b"]),
        (DeleteOptions(), "ignore", ["orphan"], []),
    ],
)
def test_propagation_where_the_kind_has_a_default(
    options: DeleteOptions,
    default: Literal["orphan", "ignore"],
    present: list[str],
    wanted: list[str],
) -> None:
    assert finalizers_for(present, options, default) == wanted


async def test_a_job_leaves_its_pods_unless_told_otherwise_and_says_so(
    open_registry: Open, ctx: RequestContext
) -> None:
    jobs = await open_registry(JOBS)
    told: list[str] = []
    ctx.warn = told.append
    for name in ("a", "b"):
        pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}
        body = {"metadata": {"name": name}, "spec": {"template": {"spec": pod}}}
        await jobs.create(ctx, "prod", codec.from_tree(body, Job))
    await jobs.delete(ctx, "prod", "a", DeleteOptions(propagationPolicy="Background"))
    assert told == []
    view, removed = await jobs.delete(ctx, "prod", "b", DeleteOptions())
    assert (removed, view.obj.metadata.finalizers) == (False, ["orphan"])
    assert " ".join(told) == (
        "child pods are preserved by default when jobs are deleted; set "
        "propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress "
        "this warning"
    )


async def test_a_policy_that_waits_marks_the_object(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    options = DeleteOptions(propagationPolicy="Foreground")
    view, removed = await secrets.delete(ctx, "prod", "a", options)
    assert not removed
    assert view.obj.metadata.finalizers == ["foregroundDeletion"]
    assert view.obj.metadata.deletionTimestamp


async def test_a_dry_run_deletes_nothing(secrets: Registry[Any], ctx: RequestContext) -> None:
    made = await secrets.create(ctx, "prod", secret("a"))
    _, removed = await secrets.delete(context(dry_run=True), "prod", "a", DeleteOptions())
    assert removed
    foreground = DeleteOptions(propagationPolicy="Foreground")
    view, removed = await secrets.delete(context(dry_run=True), "prod", "a", foreground)
    assert (removed, view.obj.metadata.finalizers) == (False, ["foregroundDeletion"])
    assert (await secrets.get(ctx, "prod", "a")).revision == made.revision


async def test_a_collection_by_label(secrets: Registry[Any], ctx: RequestContext) -> None:
    for i in range(40):
        await secrets.create(ctx, "prod", secret(f"s{i:02}", labels={"even": str(i % 2 == 0)}))
    chosen = ListOptions(label_selector=LabelSelector.parse("even=True"))
    await secrets.delete_collection(ctx, "prod", chosen, DeleteOptions())
    left = await secrets.list(ctx, "prod", ListOptions())
    assert names(left.items) == [f"s{i:02}" for i in range(1, 40, 2)]


async def test_a_collection_stops_at_the_first_refusal(
    secrets: Registry[Any], ctx: RequestContext
) -> None:
    await secrets.create(ctx, "prod", secret("a"))
    options = DeleteOptions(preconditions=Preconditions(uid="other"))
    code, reason, _ = await refused(secrets.delete_collection(ctx, "prod", ListOptions(), options))
    assert (code, reason) == (409, "Conflict")


def running() -> Pod:
    spec = PodSpec(
        containers=[Container(name="c", image="i")], nodeName="n1", terminationGracePeriodSeconds=30
    )
    return Pod(metadata=ObjectMeta(name="web"), spec=spec)


async def test_a_pod_gets_its_grace_and_then_goes(open_registry: Open, ctx: RequestContext) -> None:
    pods = await open_registry(PODS)
    made = await pods.create(ctx, "prod", running())
    marked, removed = await pods.delete(ctx, "prod", "web", DeleteOptions())
    meta = marked.obj.metadata
    assert not removed
    assert meta.deletionTimestamp == "2026-03-01T12:00:30Z"
    assert meta.deletionGracePeriodSeconds == 30
    assert meta.generation == made.obj.metadata.generation + 1
    again, removed = await pods.delete(ctx, "prod", "web", DeleteOptions())
    assert (removed, again.revision) == (False, marked.revision)
    gone, removed = await pods.delete(ctx, "prod", "web", DeleteOptions(gracePeriodSeconds=0))
    assert (removed, gone.revision) == (True, marked.revision + 1)
    code, _, _ = await refused(pods.get(ctx, "prod", "web"))
    assert code == 404


async def test_a_pod_that_runs_nowhere_goes_at_once(
    open_registry: Open, ctx: RequestContext
) -> None:
    pods = await open_registry(PODS)
    obj = running()
    obj.spec.nodeName = ""
    await pods.create(ctx, "prod", obj)
    _, removed = await pods.delete(ctx, "prod", "web", DeleteOptions())
    assert removed
