"""Tests of strongroom.registry.ownership: who owns what, by every way of writing.

The first seven are the scenarios of upstream's e2e test ServerSideApply, with kinds of ours: what
it shows of custom resources' sets and maps by key is shown here with Pods.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.api.meta import ManagedFieldsEntry
from strongroom.api.patch import PatchType
from strongroom.registry.context import RequestContext
from strongroom.registry.pod_binding import bind
from strongroom.registry.registry import Registry
from strongroom.registry.view import View
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_binding import Binding
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS
from strongroom.storage.memory import MemoryStore
from tests.registry.conftest import NOW, Open, config_map, context, refused, secret


class By:
    """Somebody who writes to a registry, at a second of its own."""

    def __init__(self, registry: Registry[Any], manager: str, after: int = 0) -> None:
        self.registry = registry
        self.manager = manager
        self.after = after

    def context(self, **options: Any) -> RequestContext:
        made = context(field_manager=self.manager, **options)
        return replace(made, now=NOW + timedelta(seconds=self.after))

    async def apply(
        self, config: Any, *, subresource: str = "", force: bool = False, **options: Any
    ) -> View[Any]:
        resource = self.registry.resource
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **config}
        whole["metadata"] = {"name": "x"} | config.get("metadata", {})
        return await self.registry.apply_configuration(
            self.context(**options),
            "n",
            "x",
            json.dumps(whole).encode(),
            subresource=subresource,
            force=force,
        )

    async def merge(self, patch: Any, subresource: str = "") -> View[Any]:
        body = json.dumps(patch).encode()
        kind = PatchType.MERGE
        return await self.registry.patch(
            self.context(), "n", "x", kind, body, subresource=subresource
        )


def owners(view: View[Any]) -> dict[str, Any]:
    """Manager (with its subresource) → operation and fields."""
    return {
        "/".join(filter(None, (entry.manager, entry.subresource))): (
            entry.operation,
            entry.fieldsV1,
        )
        for entry in view.obj.metadata.managedFields or []
    }


def of_data(*keys: str) -> Any:
    return {"f:data": {f"f:{key}": {} for key in keys}}


@pytest.fixture
async def pods(open_registry: Open) -> Registry[Pod]:
    return await open_registry(PODS)


def pod(*containers: Any, **fields: Any) -> dict[str, Any]:
    made = containers or ({"name": "c", "image": "i"},)
    return {"spec": {"containers": list(made), **fields}}


async def test_creates_an_applied_object_that_does_not_exist(
    config_maps: Registry[ConfigMap],
) -> None:
    made = await By(config_maps, "a").apply({"data": {"k": "v"}})
    assert made.obj.metadata.uid
    assert owners(made) == {"a": ("Apply", of_data("k"))}
    shared = await By(config_maps, "b").apply({"data": {"k": "v"}})
    assert owners(shared) == {"a": ("Apply", of_data("k")), "b": ("Apply", of_data("k"))}


async def test_works_for_subresources(pods: Registry[Pod]) -> None:
    by = By(pods, "a")
    status = {"status": {"conditions": [{"type": "Fine", "status": "True"}]}}
    made = await by.apply({**pod(), **status})
    assert not any(c.type == "Fine" for c in made.obj.status.conditions)
    assert "f:status" not in owners(made)["a"][1]
    told = await by.apply(status, subresource="status")
    assert [c.type for c in told.obj.status.conditions] == ["Fine"]
    assert set(owners(told)) == {"a", "a/status"}
    fields = owners(told)["a/status"][1]
    assert set(fields) == {"f:status"}
    assert set(fields["f:status"]["f:conditions"]) == {'k:{"type":"Fine"}'}


async def test_removes_a_field_that_was_owned_and_is_applied_no_more(
    config_maps: Registry[ConfigMap],
) -> None:
    by = By(config_maps, "a")
    await by.apply({"data": {"k": "v", "l": "v"}})
    left = await by.apply({"data": {"l": "v"}})
    assert left.obj.data == {"l": "v"}
    assert owners(left) == {"a": ("Apply", of_data("l"))}


async def test_does_not_remove_a_field_that_others_own_too(
    config_maps: Registry[ConfigMap],
) -> None:
    await By(config_maps, "a").apply({"data": {"k": "v", "l": "v"}})
    await By(config_maps, "b").apply({"data": {"k": "v"}})
    left = await By(config_maps, "a").apply({"data": {"l": "v"}})
    assert left.obj.data == {"k": "v", "l": "v"}
    assert owners(left)["b"] == ("Apply", of_data("k"))


async def test_ignores_conflicts_when_forced(config_maps: Registry[ConfigMap]) -> None:
    await By(config_maps, "a").apply({"data": {"k": "v"}})
    with pytest.raises(StatusError) as caught:
        await By(config_maps, "b").apply({"data": {"k": "w"}})
    error = caught.value
    assert (error.code, error.reason) == (409, "Conflict")
    assert error.message == 'Apply failed with 1 conflict: conflict with "a": .data.k'
    assert error.details is not None
    (cause,) = error.details.causes
    assert (cause.reason, cause.field) == ("FieldManagerConflict", ".data.k")
    taken = await By(config_maps, "b").apply({"data": {"k": "w"}}, force=True)
    assert taken.obj.data == {"k": "w"}
    assert owners(taken) == {"b": ("Apply", of_data("k"))}


async def test_sets_maps_by_key_and_atomic_lists(pods: Registry[Pod]) -> None:
    ports = [{"containerPort": 80}]
    meta = {"metadata": {"finalizers": ["x.y/a"]}}
    await By(pods, "a").apply({**pod({"name": "c", "image": "i", "ports": ports}), **meta})
    both = await By(pods, "b").apply({"metadata": {"finalizers": ["x.y/b"]}})
    assert both.obj.metadata.finalizers == ["x.y/a", "x.y/b"]
    assert owners(both)["b"][1] == {"f:metadata": {"f:finalizers": {'v:"x.y/b"': {}}}}

    port = {"containerPort": 80, "protocol": "TCP", "name": "web"}
    again = await refused(By(pods, "b").apply(pod({"name": "c", "ports": [port]})))
    assert again[0] == 422  # no conflict, but the ports of a pod do not change
    other = await refused(By(pods, "b").apply(pod({"name": "c", "image": "other"})))
    assert other[2].endswith('conflict with "a": .spec.containers[name="c"].image')

    gone = await By(pods, "b").apply({"metadata": {"finalizers": []}})
    assert gone.obj.metadata.finalizers == ["x.y/a"]
    toleration = {"key": "k", "operator": "Exists"}
    tolerant = await By(pods, "b").apply(pod(tolerations=[*_defaults(gone), toleration]))
    assert [t.key for t in tolerant.obj.spec.tolerations][-1] == "k"
    replaced = await refused(By(pods, "c").apply(pod(tolerations=_defaults(gone))))
    assert replaced[2].endswith('conflict with "b": .spec.tolerations')


def _defaults(view: View[Pod]) -> list[Any]:
    tree: dict[str, Any] = json.loads(view.wire)
    return list(tree["spec"].get("tolerations", []))


async def test_gives_up_ownership_when_a_controller_forces_its_own(
    config_maps: Registry[ConfigMap],
) -> None:
    await By(config_maps, "user").apply({"data": {"replicas": "1", "k": "v"}})
    await By(config_maps, "controller").apply({"data": {"replicas": "3"}}, force=True)
    left = await By(config_maps, "user").apply({"data": {"k": "v"}})
    assert left.obj.data == {"replicas": "3", "k": "v"}
    assert owners(left) == {
        "controller": ("Apply", of_data("replicas")),
        "user": ("Apply", of_data("k")),
    }


async def test_a_create_owns_what_it_says_and_defaults_but_not_the_status(
    pods: Registry[Pod],
) -> None:
    by = By(pods, "kubectl")
    new = codec.from_tree({"metadata": {"name": "x"}, **pod()}, Pod)
    made = await pods.create(by.context(), "n", new)
    operation, fields = owners(made)["kubectl"]
    assert operation == "Update"
    assert set(fields) == {"f:spec"}
    assert "f:restartPolicy" in fields["f:spec"]
    assert made.obj.status.phase == "Pending"


async def test_an_update_owns_what_it_changes(secrets: Registry[Secret]) -> None:
    by = By(secrets, "a")
    made = await secrets.create(by.context(), "n", secret("x"))
    everything: Any = {"f:data": {".": {}, "f:key": {}}, "f:type": {}}
    assert owners(made) == {"a": ("Update", everything)}
    change = made.decode()
    change.data = {**change.data, "more": b"v"}
    changed = await secrets.update(By(secrets, "b", 5).context(), "n", "x", change)
    assert owners(changed) == {"a": ("Update", everything), "b": ("Update", of_data("more"))}
    times = [entry.time for entry in changed.obj.metadata.managedFields or []]
    assert times == ["2026-03-01T12:00:00Z", "2026-03-01T12:00:05Z"]


async def test_a_put_without_owners_keeps_them(secrets: Registry[Secret]) -> None:
    by = By(secrets, "a")
    made = await secrets.create(by.context(), "n", secret("x"))
    kept = await secrets.update(By(secrets, "b").context(), "n", "x", secret("x"))
    assert kept.revision == made.revision
    assert set(owners(kept)) == {"a"}


@pytest.mark.parametrize("entries", [[], [ManagedFieldsEntry()]])
async def test_a_put_with_no_owners_resets_them(
    secrets: Registry[Secret], entries: list[ManagedFieldsEntry]
) -> None:
    by = By(secrets, "a")
    await secrets.create(by.context(), "n", secret("x"))
    reset = await secrets.update(by.context(), "n", "x", secret("x", managedFields=entries))
    assert "managedFields" not in json.loads(reset.wire)["metadata"]
    # From now on nobody is told of, until somebody applies.
    changed = await by.merge({"data": {"more": "dg=="}})
    assert owners(changed) == {}
    applied = await By(secrets, "b").apply({"data": {"mine": "dg=="}})
    assert set(owners(applied)) == {"before-first-apply", "b"}


async def test_a_put_may_say_owners_itself(secrets: Registry[Secret]) -> None:
    by = By(secrets, "a")
    await secrets.create(by.context(), "n", secret("x"))
    entry = ManagedFieldsEntry("other", "Apply", "v1", "", "FieldsV1", of_data("key"))
    said = await secrets.update(by.context(), "n", "x", secret("x", managedFields=[entry]))
    assert owners(said) == {"other": ("Apply", of_data("key"))}


async def test_owners_that_make_no_sense_are_not_taken_over(secrets: Registry[Secret]) -> None:
    by = By(secrets, "a")
    await secrets.create(by.context(), "n", secret("x"))
    entry = ManagedFieldsEntry("other", "Apply", "", "", "FieldsV1", of_data("key"))
    kept = await secrets.update(by.context(), "n", "x", secret("x", managedFields=[entry]))
    assert set(owners(kept)) == {"a"}


async def test_a_patch_owns_what_it_changes(config_maps: Registry[ConfigMap]) -> None:
    await By(config_maps, "a").apply({"data": {"k": "v", "l": "v"}})
    patched = await By(config_maps, "b").merge({"data": {"k": "w", "m": "v"}})
    assert owners(patched) == {
        "a": ("Apply", of_data("l")),
        "b": ("Update", of_data("k", "m")),
    }
    removed = await By(config_maps, "b").merge({"data": {"l": None}})
    assert set(owners(removed)) == {"b"}


async def test_a_patch_of_the_status_is_owned_by_that_path(pods: Registry[Pod]) -> None:
    await By(pods, "a").apply(pod())
    told = await By(pods, "node").merge({"status": {"phase": "Running"}}, "status")
    assert owners(told)["node/status"] == ("Update", {"f:status": {"f:phase": {}}})
    assert "f:status" not in owners(told)["a"][1]


async def test_applying_the_same_again_writes_nothing(
    config_maps: Registry[ConfigMap], store: MemoryStore
) -> None:
    made = await By(config_maps, "a").apply({"data": {"k": "v"}})
    again = await By(config_maps, "a", 60).apply({"data": {"k": "v"}})
    assert again.revision == made.revision
    assert again.wire == made.wire


async def test_a_change_of_times_alone_is_not_written(config_maps: Registry[ConfigMap]) -> None:
    # An empty map is not stored, so that applying one is a change that comes to nothing.
    made = await By(config_maps, "a").apply({"data": {"k": "v"}, "binaryData": {}})
    again = await By(config_maps, "a", 60).apply({"data": {"k": "v"}, "binaryData": {}})
    assert again.revision == made.revision


async def test_a_dry_run_stores_nothing(config_maps: Registry[ConfigMap]) -> None:
    by = By(config_maps, "a")
    tried = await by.apply({"data": {"k": "v"}}, dry_run=True)
    assert owners(tried) == {"a": ("Apply", of_data("k"))}
    assert (await refused(config_maps.get(by.context(), "n", "x")))[0] == 404
    made = await by.apply({"data": {"k": "v"}})
    other = await by.apply({"data": {"k": "w"}}, dry_run=True)
    assert other.obj.data == {"k": "w"}
    assert (await config_maps.get(by.context(), "n", "x")).wire == made.wire


async def test_text_of_a_secret_is_owned_as_text(secrets: Registry[Secret]) -> None:
    # As upstream: the configuration says stringData, and it is that which its manager owns.
    made = await By(secrets, "a").apply({"stringData": {"k": "v"}})
    assert made.obj.data == {"k": b"v"}
    assert owners(made)["a"][1] == {"f:stringData": {"f:k": {}}}
    assert b'stringData":{"k"' not in made.wire


async def test_kubectl_takes_over_what_its_client_side_apply_set(
    config_maps: Registry[ConfigMap],
) -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    last = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": "v"}}
    made = config_map("x", {"k": "v"}, annotations={name: json.dumps(last)})
    by = By(config_maps, "kubectl-client-side-apply")
    await config_maps.create(by.context(), "n", made)

    other = await refused(By(config_maps, "other").apply({"data": {"k": "w"}}))
    assert other[0] == 409
    taken = await By(config_maps, "kubectl").apply({"data": {"k": "w"}})
    assert taken.obj.data == {"k": "w"}
    told = json.loads(taken.obj.metadata.annotations[name])
    assert told["data"] == {"k": "w"}

    await By(config_maps, "editor").merge({"data": {"k": "edited"}})
    edited = await refused(By(config_maps, "kubectl").apply({"data": {"k": "x"}}))
    assert edited[2].endswith('conflict with "editor" using v1: .data.k')


async def test_kubectl_takes_over_a_secret_though_no_value_was_kept(
    secrets: Registry[Secret],
) -> None:
    name = "kubectl.kubernetes.io/last-applied-configuration"
    last = {"apiVersion": "v1", "kind": "Secret", "data": {"k": "aHVudGVyMg==", "l": "dg=="}}
    made = secret("x", annotations={name: json.dumps(last)})
    made.data = {"k": b"hunter2", "l": b"v"}
    await secrets.create(By(secrets, "kubectl-client-side-apply").context(), "n", made)
    stored = await secrets.get(context(), "n", "x")
    assert b"aHVudGVyMg" not in stored.obj.metadata.annotations[name].encode()

    other = await refused(By(secrets, "other").apply({"data": {"k": "bmV3"}}))
    assert other[0] == 409
    taken = await By(secrets, "kubectl").apply({"data": {"k": "bmV3"}})
    assert taken.obj.data == {"k": b"new", "l": b"v"}
    assert "bmV3" not in taken.obj.metadata.annotations[name]

    await By(secrets, "editor").merge({"data": {"l": "ZWRpdGVk"}})
    edited = await refused(By(secrets, "kubectl").apply({"data": {"k": "bmV3", "l": "dg=="}}))
    assert edited[2].endswith('conflict with "editor" using v1: .data.l')


async def test_a_binding_changes_no_owners(pods: Registry[Pod]) -> None:
    made = await By(pods, "a").apply(pod())
    binding = Binding(target=ObjectReference(kind="Node", name="node"))
    bound = await bind(pods, By(pods, "scheduler").context(), "n", "x", binding)
    assert bound.obj.spec.nodeName == "node"
    assert owners(bound) == owners(made)


async def test_an_object_whose_items_have_no_key_has_no_owners(open_registry: Open) -> None:
    accounts = await open_registry(SERVICE_ACCOUNTS)
    made = SERVICE_ACCOUNTS.type()
    made.metadata.name = "x"
    made.secrets = [ObjectReference()]
    stored = await accounts.create(By(accounts, "a").context(), "n", made)
    assert owners(stored) == {}


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ({"kind": "Secret"}, 400, "invalid object type: /v1, Kind=Secret"),
        ({"apiVersion": "a/v2"}, 400, "invalid object type: a/v2, Kind=ConfigMap"),
        ({"metadata": {"managedFields": []}}, 400, "metadata.managedFields must be nil"),
        (
            {"foo": "bar"},
            400,
            (
                "failed to create typed patch object (/x; /v1, Kind=ConfigMap): "
                ".foo: field not declared in schema"
            ),
        ),
        (
            {"metadata": {"uid": "u"}},
            409,
            (
                'Operation cannot be fulfilled on configmaps "x": uid mismatch: the provided '
                "object specified uid u, and no existing object was found"
            ),
        ),
        (
            {"metadata": {"name": "y"}},
            400,
            "the name of the object (y) does not match the name on the URL (x)",
        ),
    ],
)
async def test_configurations_that_are_refused(
    config_maps: Registry[ConfigMap], config: Any, code: int, message: str
) -> None:
    found = await refused(By(config_maps, "a").apply(config))
    assert (found[0], found[2]) == (code, message)


async def test_a_subresource_of_nothing_is_not_made(pods: Registry[Pod]) -> None:
    found = await refused(By(pods, "a").apply({"status": {}}, subresource="status"))
    assert found[:2] == (404, "NotFound")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"a: [", "error encoding patch: yaml:"),
        (b"[]", "error decoding patch: it is not an object"),
    ],
)
async def test_bodies_that_are_no_configuration(
    config_maps: Registry[ConfigMap], body: bytes, message: str
) -> None:
    found = await refused(
        config_maps.apply_configuration(context(field_manager="a"), "n", "x", body)
    )
    assert found[0] == 400
    assert found[2].startswith(message)


async def test_repeated_keys_are_told_or_refused(config_maps: Registry[ConfigMap]) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: b\n  a: c\n"

    def apply(warn: Callable[[str], None], validation: str) -> Any:
        made = context(field_manager="a", field_validation=validation, warn=warn)
        return config_maps.apply_configuration(made, "n", "x", body)

    told: list[str] = []
    found = await refused(apply(told.append, "Strict"))
    assert found[0] == 400
    assert found[2].startswith("error strict decoding patch: ")
    assert 'key "a" already set in map' in found[2]
    await apply(told.append, "Warn")
    assert len(told) == 1
    assert 'key "a" already set in map' in told[0]
