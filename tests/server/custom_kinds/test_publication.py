"""What discovery and OpenAPI tell of custom kinds (upstream's PublishOpenAPI tests)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.server.conftest import Running
from tests.server.custom import (
    DEFINITIONS,
    GROUP,
    NAME,
    SCHEMA,
    V1,
    change,
    crontab,
    define,
    definition,
    full,
    remove,
    version,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRESERVE = "x-kubernetes-preserve-unknown-fields"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
AGGREGATED = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}


def defined(version_: str = "v1", kind: str = "CronTab", group: str = GROUP) -> str:
    """The name of a kind's definition in OpenAPI."""
    return ".".join([*reversed(group.split(".")), version_, kind])


async def definitions(api: Running) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask("GET", "/openapi/v2")).json["definitions"]
    return found


async def schemas(api: Running, version_: str = "v1", group: str = GROUP) -> dict[str, Any]:
    answer = await api.ask("GET", f"/openapi/v3/apis/{group}/{version_}")
    assert answer.code == 200
    found: dict[str, Any] = answer.json["components"]["schemas"]
    return found


async def hashes(api: Running) -> dict[str, str]:
    paths = (await api.ask("GET", "/openapi/v3")).json["paths"]
    return {path: entry["serverRelativeURL"] for path, entry in paths.items()}


# --- CustomResourcePublishOpenAPI ---------------------------------------------------------------


async def test_works_for_crd_with_validation_schema(api: Running) -> None:
    await define(api, full())
    for found in ((await definitions(api))[defined()], (await schemas(api))[defined()]):
        assert found["description"] == "A job at certain times."
        assert found["x-kubernetes-group-version-kind"] == [
            {"group": GROUP, "version": "v1", "kind": "CronTab"}
        ]
        assert sorted(found["properties"]) == ["apiVersion", "kind", "metadata", "spec", "status"]
        spec = found["properties"]["spec"]
        assert spec["description"] == "What is wanted."
        assert spec["properties"]["replicas"] == {"type": "integer", "minimum": 0, "maximum": 10}
        ports = spec["properties"]["ports"]
        assert ports["x-kubernetes-list-map-keys"] == ["port"]
        assert ports["items"]["required"] == ["port"]
    lists = (await definitions(api))[defined(kind="CronTabList")]
    assert lists["properties"]["items"]["items"] == {"$ref": f"#/definitions/{defined()}"}
    assert META in await schemas(api)


async def test_works_for_crd_without_validation_schema(api: Running) -> None:
    # In v1 a schema must be there; this one says nothing but that fields are kept.
    await define(api, definition(version(schema={"type": "object", PRESERVE: True})))
    found = (await definitions(api))[defined()]
    assert "properties" not in found
    assert found["type"] == "object"
    kept = await api.ask("POST", V1, crontab("a", anything={"goes": [1]}))
    assert kept.json["spec"]["anything"] == {"goes": [1]}


async def test_works_for_crd_preserving_unknown_fields_at_the_schema_root(api: Running) -> None:
    await define(api, definition(version(schema=copy.deepcopy(SCHEMA) | {PRESERVE: True})))
    assert "properties" not in (await definitions(api))[defined()]
    published = (await schemas(api))[defined()]
    assert published[PRESERVE] is True
    assert published["properties"]["spec"]["description"] == "What is wanted."


async def test_works_for_crd_preserving_unknown_fields_in_an_embedded_object(
    api: Running,
) -> None:
    schema = copy.deepcopy(SCHEMA)
    schema["properties"]["spec"] = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        PRESERVE: True,
    }
    await define(api, definition(version(schema=schema)))
    published = (await schemas(api))[defined()]["properties"]["spec"]
    assert published[PRESERVE] is True
    assert published["x-kubernetes-embedded-resource"] is True


async def test_works_for_multiple_crds_of_different_groups(api: Running) -> None:
    await define(api, full())
    await define(api, definition(group="other.example.org"))
    found = await definitions(api)
    assert {defined(), defined(group="other.example.org")} <= found.keys()
    paths = (await api.ask("GET", "/openapi/v2")).json["paths"]
    ids = [op["operationId"] for item in paths.values() for op in item.values() if "tags" in op]
    assert len(set(ids)) == len(ids)


async def test_works_for_multiple_crds_of_same_group_but_different_versions(api: Running) -> None:
    await define(api, definition(version(), version("v2")))
    assert {defined("v1"), defined("v2")} <= (await definitions(api)).keys()
    assert defined("v2") in await schemas(api, "v2")
    assert defined("v2") not in await schemas(api, "v1")


async def test_works_for_multiple_crds_of_same_group_and_version_but_different_kinds(
    api: Running,
) -> None:
    await define(api, full())
    before = await hashes(api)
    await define(api, definition(plural="bees", kind="Bee"))
    assert {defined(), defined(kind="Bee")} <= (await schemas(api)).keys()
    after = await hashes(api)
    path = f"apis/{GROUP}/v1"
    assert before[path] != after[path]
    assert {p: h for p, h in before.items() if p != path} == {
        p: h for p, h in after.items() if p != path
    }


async def test_updates_the_published_spec_when_one_version_gets_renamed(api: Running) -> None:
    await define(api, definition(version(), version("v2")))
    await change(api, NAME, {"versions": [version(), version("v3")]})
    found = await definitions(api)
    assert {defined("v1"), defined("v3")} <= found.keys()
    assert defined("v2") not in found
    assert (await api.ask("GET", f"/openapi/v3/apis/{GROUP}/v2")).code == 404
    assert defined("v3") in await schemas(api, "v3")


async def test_removes_definition_from_spec_when_one_version_gets_changed_to_not_be_served(
    api: Running,
) -> None:
    await define(api, definition(version(), version("v2")))
    assert defined("v2") in await definitions(api)
    await change(api, NAME, {"versions": [version(), version("v2", served=False)]})
    found = await definitions(api)
    assert defined("v2") not in found
    assert defined("v1") in found
    assert f"apis/{GROUP}/v2" not in await hashes(api)


# --- hashes, ETags, discovery -------------------------------------------------------------------


async def test_a_document_goes_by_a_hash_that_changes_with_the_schema(api: Running) -> None:
    await define(api, full())
    url = (await hashes(api))[f"apis/{GROUP}/v1"]
    kept = await api.ask("GET", url)
    assert "immutable" in kept.headers["Cache-Control"]
    versions = full()["spec"]["versions"]
    versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["description"] = "Other words."
    await change(api, NAME, {"versions": versions})
    assert (await hashes(api))[f"apis/{GROUP}/v1"] != url
    spec = (await schemas(api))[defined()]["properties"]["spec"]
    assert spec["description"] == "Other words."


async def test_discovery_changes_its_etag_with_the_kinds(api: Running) -> None:
    before = await api.ask("GET", "/apis", headers=AGGREGATED)
    tag = before.headers["ETag"]
    same = await api.ask("GET", "/apis", headers=AGGREGATED | {"If-None-Match": tag})
    assert same.code == 304
    await define(api, full())
    after = await api.ask("GET", "/apis", headers=AGGREGATED | {"If-None-Match": tag})
    assert after.code == 200
    group = next(g for g in after.json["items"] if g["metadata"]["name"] == GROUP)
    assert group["versions"] == [
        {
            "version": "v1",
            "freshness": "Current",
            "resources": [
                {
                    "resource": "crontabs",
                    "responseKind": {"group": GROUP, "version": "v1", "kind": "CronTab"},
                    "scope": "Namespaced",
                    "singularResource": "crontab",
                    "verbs": [
                        *("create", "delete", "deletecollection", "get"),
                        *("list", "patch", "update", "watch"),
                    ],
                    "shortNames": ["ct"],
                    "categories": ["all"],
                    "subresources": [
                        {
                            "subresource": "scale",
                            "responseKind": {
                                "group": "autoscaling",
                                "version": "v1",
                                "kind": "Scale",
                            },
                            "verbs": ["get", "patch", "update"],
                        },
                        {
                            "subresource": "status",
                            "responseKind": {"group": GROUP, "version": "v1", "kind": "CronTab"},
                            "verbs": ["get", "patch", "update"],
                        },
                    ],
                }
            ],
        }
    ]
    await remove(api, NAME)
    gone = await api.ask("GET", "/apis", headers=AGGREGATED)
    assert gone.headers["ETag"] == tag
    assert (await api.ask("GET", DEFINITIONS)).json["items"] == []


async def test_a_cluster_scoped_kind_has_no_namespace(api: Running) -> None:
    await define(api, definition(scope="Cluster"))
    path = f"/apis/{GROUP}/v1/crontabs"
    made = await api.ask("POST", path, crontab("a"))
    assert made.code == 201
    assert "namespace" not in made.json["metadata"]
    assert (await api.ask("GET", V1)).code == 404
    resources = (await api.ask("GET", f"/apis/{GROUP}/v1")).json["resources"]
    assert [r["namespaced"] for r in resources] == [False]
