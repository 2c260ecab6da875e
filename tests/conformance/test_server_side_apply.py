"""Upstream's ``ServerSideApply``: its seven scenarios, with the kinds that it takes."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conformance.deployments import deployment
from tests.conformance.wire import APPLY, Answer, Api, Tree, served

CONDITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def apply(api: Api, path: str, obj: Tree, manager: str, force: bool = False) -> Answer:
    query = f"?fieldManager={manager}" + ("&force=true" if force else "")
    return await api.ask("PATCH", path + query, obj, APPLY)


def owned(obj: Any, manager: str, subresource: str = "") -> Any:
    """What a manager owns by applying."""
    entries = obj["metadata"]["managedFields"]
    found = [
        each
        for each in entries
        if (each["manager"], each["operation"]) == (manager, "Apply")
        and each.get("subresource", "") == subresource
    ]
    return found[0]["fieldsV1"] if found else None


@pytest.fixture
def path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/deployment"


async def test_should_create_an_applied_object_if_it_does_not_already_exist(
    api: Api, namespace: str
) -> None:
    """And a second manager that applies the same shares its fields without a conflict."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test-pod"},
        "spec": {"containers": [{"name": "test-container", "image": "test-image"}]},
    }
    template = {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "test-template"},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod["spec"]},
    }
    for plural, obj in (("pods", pod), ("podtemplates", template)):
        where = f"/api/v1/namespaces/{namespace}/{plural}/{obj['metadata']['name']}"  # type: ignore[index]  # a tree
        assert (await apply(api, where, obj, "apply_test")).code == 201
        assert (await apply(api, where, obj, "apply_test_2")).code == 200
        read = await api.get(where)
        assert owned(read, "apply_test") == owned(read, "apply_test_2")
        container: Tree = {".": {}, "f:name": {}, "f:image": {}}
        spec = {"f:containers": {'k:{"name":"test-container"}': container}}
        expected = (
            {"f:spec": spec}
            if plural == "pods"
            else {"f:template": {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": spec}}
        )
        assert owned(read, "apply_test") == expected


async def test_should_work_for_subresources(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods/test-pod"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test-pod", "labels": {"l": "1"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    applied = (await apply(api, path, pod, "apply_test")).ok()
    start = "2026-01-01T00:00:00Z"
    status = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test-pod"},
        "spec": {"containers": [{"name": "other", "image": "i"}]},
        "status": {"message": "of the status"},
    }
    to_main = (await apply(api, path, pod | {"status": {"startTime": start}}, "apply_test")).ok()
    assert to_main["status"] == applied["status"]
    to_status = (await apply(api, path + "/status", status, "apply_status")).ok()
    assert to_status["status"]["message"] == "of the status"
    assert to_status["spec"] == applied["spec"]
    assert owned(to_status, "apply_status", "status") == {"f:status": {"f:message": {}}}
    assert "f:status" not in owned(to_status, "apply_test")


async def test_should_remove_a_field_if_it_is_owned_but_removed_in_the_apply_request(
    api: Api, path: str
) -> None:
    await apply(api, path, deployment(), "apply_test")
    without = deployment()
    del without["spec"]["replicas"]
    read = (await apply(api, path, without, "apply_test")).ok()
    # What nobody says is what the kind says of itself: one replica.
    assert read["spec"]["replicas"] == 1
    assert "f:replicas" not in owned(read, "apply_test")["f:spec"]


async def test_should_not_remove_a_field_if_other_managers_still_have_ownership_of_the_field(
    api: Api, path: str
) -> None:
    await apply(api, path, deployment(), "apply_test")
    await apply(api, path, deployment(), "apply_test_2")
    without = deployment()
    del without["spec"]["replicas"]
    read = (await apply(api, path, without, "apply_test")).ok()
    assert read["spec"]["replicas"] == 5
    assert "f:replicas" not in owned(read, "apply_test")["f:spec"]
    assert "f:replicas" in owned(read, "apply_test_2")["f:spec"]


async def test_should_ignore_conflict_errors_if_force_apply_is_used(api: Api, path: str) -> None:
    await apply(api, path, deployment(), "apply_test")
    patch = {"spec": {"replicas": 6}}
    await api.patch(f"{path}?fieldManager=somebody", patch)
    refused = await apply(api, path, deployment(), "apply_test")
    assert refused.refused() == (
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "somebody" using apps/v1: .spec.replicas',
    )
    assert [(reason, field) for reason, field, _ in refused.causes] == [
        ("FieldManagerConflict", ".spec.replicas")
    ]
    read = (await apply(api, path, deployment(), "apply_test", force=True)).ok()
    assert read["spec"]["replicas"] == 5


async def test_should_give_up_ownership_of_a_field_if_forced_applied_by_a_controller(
    api: Api, path: str
) -> None:
    """An autoscaler forces the number of replicas; the user then applies without it."""
    await apply(api, path, deployment(replicas=1), "apply_test")
    scaled = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "deployment"},
        "spec": {"replicas": 3},
    }
    read = (await apply(api, path, scaled, "controller", force=True)).ok()
    assert "f:replicas" not in owned(read, "apply_test")["f:spec"]
    assert owned(read, "controller") == {"f:spec": {"f:replicas": {}}}
    refused = await apply(api, path, deployment(replicas=1), "apply_test")
    assert (refused.code, len(refused.causes)) == (409, 1)
    without = deployment()
    del without["spec"]["replicas"]
    read = (await apply(api, path, without, "apply_test")).ok()
    assert read["spec"]["replicas"] == 3


def definition(group: str) -> Tree:
    """A kind with a list by key, a set, and a list that is one value."""
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": {"type": "integer"}},
        "required": ["name"],
    }
    strings = {"type": "array", "items": {"type": "string"}}
    lists = {
        "byName": {
            "type": "array",
            "items": item,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "words": strings | {"x-kubernetes-list-type": "set"},
        "whole": strings | {"x-kubernetes-list-type": "atomic"},
    }
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": lists}},
    }
    return {
        "metadata": {"name": f"noxus.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "plural": "noxus",
                "singular": "noxu",
                "kind": "Noxu",
                "listKind": "NoxuList",
            },
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


@pytest.fixture
async def noxus(api: Api, namespace: str) -> AsyncIterator[str]:
    """The path of a collection of custom objects, once they are served."""
    group = f"{namespace}.example.com"
    await api.create(CONDITIONS, definition(group))
    path = f"/apis/{group}/v1/namespaces/{namespace}/noxus"
    await served(api, path)
    yield path
    await api.delete(f"{CONDITIONS}/noxus.{group}")


async def test_should_work_for_crds(api: Api, noxus: str) -> None:
    group = noxus.split("/")[2]
    spec: Tree = {
        "byName": [{"name": "a", "value": 1}, {"name": "b", "value": 2}],
        "words": ["x", "y"],
        "whole": ["p", "q"],
    }
    obj: Tree = {
        "apiVersion": f"{group}/v1",
        "kind": "Noxu",
        "metadata": {"name": "one"},
        "spec": spec,
    }
    path = f"{noxus}/one"
    answer = await api.ask("PUT", path, obj)
    assert answer.refused() == (404, "NotFound", f'noxus.{group} "one" not found')
    assert (await apply(api, path, obj, "apply_test")).code == 201

    other = copy.deepcopy(obj)
    other["spec"] = {"byName": [{"name": "c", "value": 3}], "words": ["z"]}
    merged = (await apply(api, path, other, "apply_test_2")).ok()
    assert [each["name"] for each in merged["spec"]["byName"]] == ["a", "b", "c"]
    assert merged["spec"]["words"] == ["x", "y", "z"]
    assert owned(merged, "apply_test_2")["f:spec"] == {
        "f:byName": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:value": {}}},
        "f:words": {'v:"z"': {}},
    }

    theirs = copy.deepcopy(other)
    theirs["spec"]["byName"] = [{"name": "a", "value": 9}]
    refused = await apply(api, path, theirs, "apply_test_2")
    assert refused.code == 409
    assert refused.causes == [
        (
            "FieldManagerConflict",
            '.spec.byName[name="a"].value',
            'conflict with "apply_test"',
        )
    ]

    theirs["spec"] = {"whole": ["r"]}
    refused = await apply(api, path, theirs, "apply_test_3")
    assert [field for _, field, _ in refused.causes] == [".spec.whole"]
    replaced = (await apply(api, path, theirs, "apply_test_3", force=True)).ok()
    assert replaced["spec"]["whole"] == ["r"]

    del spec["whole"]
    spec["byName"] = [{"name": "b", "value": 2}]
    fewer = (await apply(api, path, obj, "apply_test")).ok()
    assert [each["name"] for each in fewer["spec"]["byName"]] == ["b", "c"]
    assert fewer["spec"]["whole"] == ["r"]
