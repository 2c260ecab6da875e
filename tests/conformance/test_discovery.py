"""Upstream's ``Discovery``, ``AggregatedDiscovery`` and ``server version``."""

from __future__ import annotations

from typing import Any

from tests.conformance.wire import Api, Tree, served

AGGREGATED = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
CONDITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def test_should_find_the_server_version(api: Api) -> None:
    found = await api.get("/version")
    assert found["major"] == "1"
    assert found["minor"].isdigit()


async def test_should_validate_preferred_version_for_each_api_group(api: Api) -> None:
    groups = (await api.get("/apis"))["groups"]
    assert groups
    for group in groups:
        found = await api.get(f"/apis/{group['name']}")
        assert found == {"kind": "APIGroup", "apiVersion": "v1"} | group
        versions = [each["groupVersion"] for each in group["versions"]]
        assert group["preferredVersion"]["groupVersion"] in versions


async def test_should_locate_the_groupversion_and_a_resource_within_each_api_group(
    api: Api,
) -> None:
    listed = {
        version["groupVersion"]
        for group in (await api.get("/apis"))["groups"]
        for version in group["versions"]
    }
    for version, resource in (
        ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
        ("apiextensions.k8s.io/v1", "customresourcedefinitions"),
        ("apiregistration.k8s.io/v1", "apiservices"),
        ("apps/v1", "deployments"),
        ("coordination.k8s.io/v1", "leases"),
        ("events.k8s.io/v1", "events"),
    ):
        assert version in listed
        found = await api.get(f"/apis/{version}")
        assert (found["kind"], found["groupVersion"]) == ("APIResourceList", version)
        assert resource in [each["name"] for each in found["resources"]]


def of_group(found: Any, group: str) -> Any:
    (item,) = [item for item in found["items"] if item["metadata"].get("name", "") == group]
    return item


async def test_should_support_raw_aggregated_discovery_request(api: Api) -> None:
    found = await api.get("/apis", AGGREGATED)
    assert (found["kind"], found["apiVersion"]) == (
        "APIGroupDiscoveryList",
        "apidiscovery.k8s.io/v2",
    )
    (apps,) = of_group(found, "apps")["versions"]
    assert (apps["version"], apps["freshness"]) == ("v1", "Current")


async def test_should_support_raw_aggregated_discovery_endpoint_accept_headers(
    api: Api,
) -> None:
    """Who takes either form is given the one that it names first; who takes neither, the old."""
    either = {"Accept": AGGREGATED["Accept"] + ",application/json"}
    assert (await api.get("/apis", either))["kind"] == "APIGroupDiscoveryList"
    assert (await api.get("/apis"))["kind"] == "APIGroupList"


async def test_should_support_aggregated_discovery_interface(api: Api) -> None:
    """What every server has, in its place."""
    core = of_group(await api.get("/api", AGGREGATED), "")
    (version,) = core["versions"]
    resources = {each["resource"]: each for each in version["resources"]}
    assert {"namespaces", "pods", "secrets", "configmaps", "services", "nodes"} <= set(resources)
    assert resources["secrets"]["responseKind"] == {"group": "", "version": "", "kind": "Secret"}
    assert resources["namespaces"]["scope"] == "Cluster"
    found = await api.get("/apis", AGGREGATED)
    (version,) = of_group(found, "apps")["versions"]
    scale = [
        sub["subresource"]
        for each in version["resources"]
        if each["resource"] == "deployments"
        for sub in each["subresources"]
    ]
    assert sorted(scale) == ["scale", "status"]


async def test_should_support_aggregated_discovery_interface_for_crds(
    api: Api, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    schema: Tree = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "foos", "kind": "Foo"}
    await api.create(
        CONDITIONS,
        {
            "metadata": {"name": f"foos.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        },
    )
    await served(api, f"/apis/{group}/v1/foos")
    (found,) = of_group(await api.get("/apis", AGGREGATED), group)["versions"]
    assert [each["resource"] for each in found["resources"]] == ["foos"]
    await api.delete(f"{CONDITIONS}/foos.{group}")
