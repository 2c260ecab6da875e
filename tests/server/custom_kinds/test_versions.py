"""Several versions of a custom kind, and the end of its definition, over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.server.conftest import Running
from tests.server.custom import (
    DEFINITIONS,
    GROUP,
    MERGE,
    NAME,
    SCHEMA,
    V1,
    V2,
    change,
    condition,
    crontab,
    define,
    definition,
    full,
    lines,
    states,
    version,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- several versions ---------------------------------------------------------------------------


def two_versions(**second: Any) -> dict[str, Any]:
    """v1 as always, and v2 with another field and default."""
    schema = json.loads(json.dumps(SCHEMA))
    fields = schema["properties"]["spec"]["properties"]
    del fields["color"]
    fields["size"] = {"type": "string", "default": "small"}
    return definition(version(), version("v2", schema=schema, **second))


async def test_each_version_has_its_own_schema(api: Running) -> None:
    await define(api, two_versions())
    made = await api.ask("POST", V1, crontab("a", color="red"))
    assert made.json["spec"] == {"cronSpec": "* * * * */5", "image": "busybox", "color": "red"}
    seen = (await api.ask("GET", f"{V2}/a")).json
    assert seen["apiVersion"] == f"{GROUP}/v2"
    assert seen["spec"] == {"cronSpec": "* * * * */5", "image": "busybox", "size": "small"}
    wrong = await api.ask("POST", V2, crontab("b"))
    assert wrong.code == 400
    listed = (await api.ask("GET", V2)).json
    assert (listed["apiVersion"], listed["kind"]) == (f"{GROUP}/v2", "CronTabList")
    groups = (await api.ask("GET", f"/apis/{GROUP}")).json
    assert [v["version"] for v in groups["versions"]] == ["v2", "v1"]


async def test_the_storage_version_can_change(api: Running) -> None:
    await define(api, two_versions())
    await api.ask("POST", V1, crontab("a", color="red"))
    versions = two_versions()["spec"]["versions"]
    versions[0]["storage"], versions[1]["storage"] = False, True
    changed = await change(api, NAME, {"versions": versions})
    assert changed.json["status"]["storedVersions"] == ["v1", "v2"]
    before = (await api.ask("GET", f"{V1}/a")).json
    assert before["spec"]["color"] == "red"
    # A write that changes nothing stores the object in the new version all the same.
    after = (await api.ask("PUT", f"{V1}/a", before)).json
    assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    again = (await api.ask("PUT", f"{V1}/a", after)).json
    assert again["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    refused = await change(api, NAME, {"versions": [versions[1]]})
    assert refused.code == 422
    assert "was previously a storage version" in refused.json["message"]


async def test_a_deprecated_version_warns(api: Running) -> None:
    await define(api, two_versions(deprecated=True, deprecationWarning="no more of this"))
    assert (await api.ask("GET", V2)).headers.getall("Warning") == ['299 - "no more of this"']
    assert "Warning" not in (await api.ask("GET", V1)).headers
    noted = {e["requestURI"]: e["annotations"].get("k8s.io/deprecated") for e in api.audit_events()}
    assert (noted[V1], noted[V2]) == (None, "true")
    versions = two_versions()["spec"]["versions"]
    versions[0]["deprecated"] = True
    await change(api, NAME, {"versions": versions})
    said = f"{GROUP}/v1 CronTab is deprecated; use {GROUP}/v2 CronTab"
    assert (await api.ask("GET", V1)).headers.getall("Warning") == [f'299 - "{said}"']


async def test_a_version_that_is_served_no_more_ends_its_watches_only(api: Running) -> None:
    await define(api, two_versions())
    first, second = (lines(api, f"{path}?watch=true&resourceVersion=0") for path in (V1, V2))
    ended = asyncio.create_task(anext(second, None))
    await api.ask("POST", V1, crontab("a"))
    assert (await anext(first))["object"]["metadata"]["name"] == "a"
    assert (await ended) is not None
    await change(api, NAME, {"versions": two_versions(served=False)["spec"]["versions"]})
    assert (await api.ask("GET", V2)).code == 404
    assert [event async for event in second] == []
    await api.ask("POST", V1, crontab("b"))
    assert (await anext(first))["object"]["metadata"]["name"] == "b"
    await first.aclose()


# --- the end of a definition --------------------------------------------------------------------


async def test_a_definition_waits_for_the_finalizers_of_its_objects(api: Running) -> None:
    await define(api, full())
    held = crontab("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await api.ask("POST", V1, held)
    await api.ask("POST", V1, crontab("free"))
    await api.ask("DELETE", f"{DEFINITIONS}/{NAME}")
    async for _ in states(api, NAME):
        items = (await api.ask("GET", V1)).json["items"]
        if [item["metadata"]["name"] for item in items] == ["held"]:
            break
    crd = (await api.ask("GET", f"{DEFINITIONS}/{NAME}")).json
    assert condition(crd, "Terminating")["status"] == "True"
    assert crd["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert (await api.ask("POST", V1, crontab("late"))).code == 405
    released = await api.ask(
        "PATCH", f"{V1}/held", {"metadata": {"finalizers": None}}, headers=MERGE
    )
    assert released.code == 200
    async for _ in states(api, NAME):
        pass
    assert (await api.ask("GET", V1)).code == 404


async def test_custom_objects_are_created_in_living_namespaces_only(api: Running) -> None:
    await define(api, full())
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}}
    path = V1.replace("/default/", "/going/")
    missing = await api.ask("POST", path, crontab("a"))
    assert missing.code == 404
    assert missing.json["message"] == 'namespaces "going" not found'
    await api.ask("POST", "/api/v1/namespaces", space)
    assert (await api.ask("POST", path, crontab("a"))).code == 201
    await api.ask("DELETE", "/api/v1/namespaces/going")
    late = await api.ask("POST", path, crontab("b"))
    assert late.code == 403
    assert late.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
