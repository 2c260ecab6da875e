"""Custom resources over HTTP, by the behaviours of upstream's conformance tests and beyond."""

from __future__ import annotations

import asyncio
import gc

import pytest

from strongroom.api.custom import CustomObject
from tests.server.conftest import Running
from tests.server.custom import (
    APPLY,
    DEFINITIONS,
    GROUP,
    MERGE,
    NAME,
    TABLE,
    V1,
    change,
    condition,
    crontab,
    define,
    definition,
    full,
    lines,
    remove,
    states,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- Simple CustomResourceDefinition ------------------------------------------------------------


async def test_creating_and_deleting_custom_resource_definition_objects_works(api: Running) -> None:
    crd = await define(api, full())
    assert condition(crd, "NamesAccepted")["reason"] == "NoConflicts"
    assert condition(crd, "Established")["reason"] == "InitialNamesAccepted"
    assert crd["status"]["storedVersions"] == ["v1"]
    assert crd["status"]["acceptedNames"] == {
        "plural": "crontabs",
        "singular": "crontab",
        "shortNames": ["ct"],
        "kind": "CronTab",
        "listKind": "CronTabList",
        "categories": ["all"],
    }
    assert crd["spec"]["conversion"] == {"strategy": "None"}
    assert (await api.ask("POST", V1, crontab("a"))).code == 201
    await remove(api, NAME)
    assert (await api.ask("GET", V1)).code == 404
    assert f"/apis/{GROUP}" not in (await api.ask("GET", "/")).json["paths"]
    # It can come back, and has nothing of its former objects.
    await define(api, full())
    assert (await api.ask("GET", V1)).json["items"] == []


async def test_listing_custom_resource_definition_objects_works(api: Running) -> None:
    for plural, kind in (("ants", "Ant"), ("bees", "Bee")):
        crd = definition(plural=plural, kind=kind)
        crd["metadata"]["labels"] = {"test": "list"}
        await define(api, crd)
    await define(api, full())
    answer = await api.ask("GET", f"{DEFINITIONS}?labelSelector=test%3Dlist")
    assert answer.json["kind"] == "CustomResourceDefinitionList"
    assert [item["spec"]["names"]["kind"] for item in answer.json["items"]] == ["Ant", "Bee"]
    deleted = await api.ask("DELETE", f"{DEFINITIONS}?labelSelector=test%3Dlist")
    assert deleted.code == 200
    for name in ("ants", "bees"):
        async for _ in states(api, f"{name}.{GROUP}"):
            pass
    assert [c["metadata"]["name"] for c in (await api.ask("GET", DEFINITIONS)).json["items"]] == [
        NAME
    ]


async def test_getting_updating_patching_status_sub_resource_works(api: Running) -> None:
    crd = await define(api, full())
    path = f"{DEFINITIONS}/{NAME}/status"
    got = await api.ask("GET", path)
    assert got.json == crd
    new = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "set from e2e"}
    crd["status"]["conditions"].append(new)
    crd["spec"]["names"]["singular"] = "other"
    updated = await api.ask("PUT", path, crd)
    assert updated.code == 200
    assert condition(updated.json, "StatusUpdate")["message"] == "set from e2e"
    assert updated.json["spec"]["names"]["singular"] == "crontab"
    assert updated.json["metadata"]["generation"] == 1
    patched = await api.ask(
        "PATCH", path, {"status": {"observedGeneration": 7}, "spec": {}}, headers=MERGE
    )
    assert patched.json["status"]["observedGeneration"] == 7


async def test_should_include_custom_resource_definition_resources_in_discovery_documents(
    api: Running,
) -> None:
    groups = (await api.ask("GET", "/apis")).json["groups"]
    group = next(g for g in groups if g["name"] == "apiextensions.k8s.io")
    assert group["preferredVersion"]["version"] == "v1"
    resources = (await api.ask("GET", "/apis/apiextensions.k8s.io/v1")).json["resources"]
    by_name = {r["name"]: r for r in resources}
    assert by_name["customresourcedefinitions"]["shortNames"] == ["crd", "crds"]
    assert by_name["customresourcedefinitions"]["kind"] == "CustomResourceDefinition"
    assert by_name["customresourcedefinitions/status"]["verbs"] == ["get", "patch", "update"]


async def test_custom_resource_defaulting_for_requests_and_from_storage_works(api: Running) -> None:
    await define(api, definition())
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/color/default"
    assert (await api.ask("POST", V1, crontab("old"))).json["spec"]["image"] == "busybox"
    assert "color" not in (await api.ask("GET", f"{V1}/old")).json["spec"]
    patch = [{"op": "add", "path": path, "value": "blue"}]
    json_patch = {"Content-Type": "application/json-patch+json"}
    assert (await api.ask("PATCH", f"{DEFINITIONS}/{NAME}", patch, headers=json_patch)).code == 200
    # Without another write, and at once.
    assert (await api.ask("GET", f"{V1}/old")).json["spec"]["color"] == "blue"
    assert (await api.ask("POST", V1, crontab("new"))).json["spec"]["color"] == "blue"
    remove_it = [{"op": "remove", "path": path}]
    await api.ask("PATCH", f"{DEFINITIONS}/{NAME}", remove_it, headers=json_patch)
    assert "color" not in (await api.ask("GET", f"{V1}/old")).json["spec"]
    # What was created with the default has it for good.
    assert (await api.ask("GET", f"{V1}/new")).json["spec"]["color"] == "blue"


# --- CustomResourceDefinition Watch -------------------------------------------------------------


async def test_watch_on_custom_resource_definition_objects(api: Running) -> None:
    await define(api, full())
    revision = (await api.ask("GET", V1)).json["metadata"]["resourceVersion"]
    events = lines(api, f"{V1}?watch=true&resourceVersion={revision}")
    seen = []
    for name in ("a", "b"):
        await api.ask("POST", V1, crontab(name))
        seen.append(await anext(events))
    await api.ask("PATCH", f"{V1}/a", {"spec": {"replicas": 2}}, headers=MERGE)
    seen.append(await anext(events))
    await api.ask("DELETE", f"{V1}/a")
    seen.append(await anext(events))
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in seen] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    assert seen[2]["object"]["spec"]["replicas"] == 2
    await remove(api, NAME)
    assert [e["type"] async for e in events] == ["DELETED"]  # b; then the watch ends


# --- CustomResourceFieldSelectors ---------------------------------------------------------------


async def test_must_list_and_watch_custom_resources_matching_the_field_selector(
    api: Running,
) -> None:
    await define(api, full())
    for name, color in (("a", "blue"), ("b", "green"), ("c", "blue")):
        assert (await api.ask("POST", V1, crontab(name, color=color))).code == 201
    blue = await api.ask("GET", f"{V1}?fieldSelector=spec.color%3Dblue")
    assert [item["metadata"]["name"] for item in blue.json["items"]] == ["a", "c"]
    both = await api.ask("GET", f"{V1}?fieldSelector=spec.color%3Dblue%2Cmetadata.name%3Dc")
    assert [item["metadata"]["name"] for item in both.json["items"]] == ["c"]
    bad = await api.ask("GET", f"{V1}?fieldSelector=spec.image%3Dx")
    assert bad.code == 400
    revision = blue.json["metadata"]["resourceVersion"]
    events = lines(
        api, f"{V1}?watch=true&resourceVersion={revision}&fieldSelector=spec.color%3Dblue"
    )
    await api.ask("PATCH", f"{V1}/b", {"spec": {"color": "blue"}}, headers=MERGE)
    await api.ask("PATCH", f"{V1}/a", {"spec": {"color": "green"}}, headers=MERGE)
    found = [await anext(events), await anext(events)]
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in found] == [
        ("ADDED", "b"),
        ("DELETED", "a"),
    ]
    await events.aclose()


# --- objects ------------------------------------------------------------------------------------


async def test_unknown_fields_are_dropped_warned_of_or_refused(api: Running) -> None:
    await define(api, full())
    odd = crontab("a", unknown=1) | {"more": {}}
    warned = await api.ask("POST", V1, odd)
    assert warned.code == 201
    assert sorted(warned.headers.getall("Warning")) == [
        '299 - "unknown field \\"more\\""',
        '299 - "unknown field \\"spec.unknown\\""',
    ]
    assert warned.json["spec"] == {"cronSpec": "* * * * */5", "image": "busybox"}
    assert "more" not in warned.json
    strict = await api.ask("POST", f"{V1}?fieldValidation=Strict", crontab("b", unknown=1))
    assert strict.code == 400
    assert 'strict decoding error: unknown field "spec.unknown"' in strict.json["message"]
    ignored = await api.ask("POST", f"{V1}?fieldValidation=Ignore", crontab("c", unknown=1))
    assert ignored.code == 201
    assert "Warning" not in ignored.headers


async def test_objects_are_judged_by_the_schema(api: Running) -> None:
    await define(api, full())
    answer = await api.ask("POST", V1, crontab("a", cronSpec="never", replicas=11))
    assert answer.code == 422
    assert answer.json["details"]["kind"] == "CronTab"
    assert [cause["field"] for cause in answer.json["details"]["causes"]] == [
        "spec.cronSpec",
        "spec.replicas",
    ]
    assert (await api.ask("POST", V1, crontab("A_b"))).code == 422


async def test_status_and_the_rest_are_written_apart(api: Running) -> None:
    await define(api, full())
    made = await api.ask("POST", V1, crontab("a") | {"status": {"replicas": 9}})
    assert "status" not in made.json
    assert made.json["metadata"]["generation"] == 1
    both = {"spec": {"replicas": 3}, "status": {"replicas": 3}, "metadata": {"labels": {"x": "y"}}}
    status = (await api.ask("PATCH", f"{V1}/a/status", both, headers=MERGE)).json
    assert status["status"] == {"replicas": 3}
    assert "replicas" not in status["spec"]
    assert "labels" not in status["metadata"]
    assert status["metadata"]["generation"] == 1
    assert [entry.get("subresource") for entry in status["metadata"]["managedFields"]] == [
        None,
        "status",
    ]
    main = (await api.ask("PATCH", f"{V1}/a", both | {"status": None}, headers=MERGE)).json
    assert main["status"] == {"replicas": 3}
    assert main["spec"]["replicas"] == 3
    assert main["metadata"]["generation"] == 2
    labelled = await api.ask(
        "PATCH", f"{V1}/a", {"metadata": {"labels": {"x": "z"}}}, headers=MERGE
    )
    assert labelled.json["metadata"]["generation"] == 2


async def test_without_the_subresource_status_is_a_field_like_others(api: Running) -> None:
    await define(api, definition())
    made = await api.ask("POST", V1, crontab("a") | {"status": {"replicas": 9}})
    assert made.json["status"] == {"replicas": 9}
    patched = await api.ask("PATCH", f"{V1}/a", {"status": {"replicas": 8}}, headers=MERGE)
    assert patched.json["metadata"]["generation"] == 2
    assert (await api.ask("GET", f"{V1}/a/status")).code == 404
    assert (await api.ask("GET", f"{V1}/a/scale")).code == 404


async def test_scale_reads_and_writes_at_the_paths(api: Running) -> None:
    await define(api, full())
    await api.ask("POST", V1, crontab("none"))
    missing = await api.ask("GET", f"{V1}/none/scale")
    assert missing.code == 500
    assert 'the spec replicas field ".spec.replicas" does not exist' in missing.json["message"]
    await api.ask("POST", V1, crontab("a", replicas=3))
    status = {"status": {"replicas": 2, "selector": "app=x"}}
    await api.ask("PATCH", f"{V1}/a/status", status, headers=MERGE)
    scale = (await api.ask("GET", f"{V1}/a/scale")).json
    assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app=x"}
    scale["spec"]["replicas"] = 5
    assert (await api.ask("PUT", f"{V1}/a/scale", scale)).json["spec"]["replicas"] == 5
    stored = (await api.ask("GET", f"{V1}/a")).json
    assert stored["spec"]["replicas"] == 5
    assert stored["metadata"]["generation"] == 2
    too_many = await api.ask("PATCH", f"{V1}/a/scale", {"spec": {"replicas": 11}}, headers=MERGE)
    assert too_many.code == 422


async def test_apply_merges_by_key_and_tells_of_conflicts(api: Running) -> None:
    await define(api, full())
    config = crontab("a", replicas=1, ports=[{"port": 80, "name": "http"}])
    first = await api.ask("PATCH", f"{V1}/a?fieldManager=one", config, headers=APPLY)
    assert first.code == 201
    other = crontab("a", ports=[{"port": 443, "name": "https"}])
    second = await api.ask("PATCH", f"{V1}/a?fieldManager=two", other, headers=APPLY)
    assert [port["port"] for port in second.json["spec"]["ports"]] == [80, 443]
    clash = await api.ask(
        "PATCH", f"{V1}/a?fieldManager=two", crontab("a", replicas=2), headers=APPLY
    )
    assert clash.code == 409
    assert [cause["field"] for cause in clash.json["details"]["causes"]] == [".spec.replicas"]


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
async def test_what_is_not_there_is_not_made_by_changes(api: Running, verb: str) -> None:
    await define(api, full())
    body = crontab("nobody") if verb == "PUT" else {"spec": {}}
    answer = await api.ask(verb, f"{V1}/nobody", body, headers=MERGE if verb == "PATCH" else None)
    assert answer.code == 404
    assert answer.json["message"] == f'crontabs.{GROUP} "nobody" not found'


async def test_a_strategic_merge_is_no_way_to_patch(api: Running) -> None:
    await define(api, full())
    await api.ask("POST", V1, crontab("a"))
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    assert (await api.ask("PATCH", f"{V1}/a", {"spec": {}}, headers=strategic)).code == 415


async def test_printer_columns_are_values_at_paths(api: Running) -> None:
    await define(api, full())
    await api.ask("POST", V1, crontab("a", replicas=3))
    since = {"status": {"since": "2020-01-01T00:00:00Z"}}
    await api.ask("PATCH", f"{V1}/a/status", since, headers=MERGE)
    table = (await api.ask("GET", V1, headers=TABLE)).json
    assert [(c["name"], c["type"], c["priority"]) for c in table["columnDefinitions"]] == [
        ("Name", "string", 0),
        ("Spec", "string", 0),
        ("Replicas", "integer", 0),
        ("Since", "date", 1),
    ]
    cells = table["rows"][0]["cells"]
    assert cells[:3] == ["a", "* * * * */5", 3]
    assert cells[3].endswith(("y", "d"))


async def test_names_taken_in_the_group_are_told_and_given_when_they_are_free(
    api: Running,
) -> None:
    await define(api, full())
    late = definition(plural="others", kind="CronTab", names={"listKind": "Others"})
    await api.ask("POST", DEFINITIONS, late)
    crd = await until(api, f"others.{GROUP}", "NamesAccepted", "False")
    assert condition(crd, "NamesAccepted")["reason"] == "KindConflict"
    assert condition(crd, "NamesAccepted")["message"] == '"CronTab" is already in use'
    assert condition(crd, "Established")["reason"] == "NotAccepted"
    assert (await api.ask("GET", f"/apis/{GROUP}/v1/others")).code == 404
    await remove(api, NAME)
    await until(api, f"others.{GROUP}", "Established")
    assert (await api.ask("GET", f"/apis/{GROUP}/v1/others")).code == 200


# --- what is left ---------------------------------------------------------------------------------


async def test_nothing_of_a_replaced_version_is_kept(api: Running) -> None:
    def types() -> int:
        gc.collect()
        return sum(
            issubclass(each, CustomObject) and each.kind_name == "CronTab"
            for each in gc.get_objects()
            if isinstance(each, type)
        )

    await define(api, full())
    for turn in range(4):
        for path in (V1, f"/openapi/v3/apis/{GROUP}/v1"):
            assert (await api.ask("GET", path)).code == 200
        await api.ask("POST", V1, crontab(f"a{turn}"))
        await api.ask("PATCH", f"{V1}/b{turn}?fieldManager=x", crontab(f"b{turn}"), headers=APPLY)
        versions = full()["spec"]["versions"]
        versions[0]["schema"]["openAPIV3Schema"]["description"] = f"Turn {turn}."
        assert (await change(api, NAME, {"versions": versions})).code == 200
    before = types()
    await remove(api, NAME)
    for _ in range(40):
        if types() == 0:
            break
        await asyncio.sleep(0.05)
    assert (before > 0, types()) == (True, 0)


async def test_what_is_stored_is_ciphertext(api: Running) -> None:
    await define(api, full())
    await api.ask("POST", V1, crontab("a", color="canary-color"))
    directory = api.options.data_dir / "store"
    stored = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    assert f"/registry/{GROUP}/crontabs/default/a".encode() in stored
    assert b"canary-color" not in stored
