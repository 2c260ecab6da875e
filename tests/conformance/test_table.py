"""Upstream's ``Servers with support for Table transformation``."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.wire import Api

FORMS = ["v1", "v1beta1"]


def table(version: str) -> dict[str, str]:
    return {"Accept": f"application/json;as=Table;v={version};g=meta.k8s.io"}


def columns(found: Any) -> list[str]:
    return [each["name"] for each in found["columnDefinitions"] if not each["priority"]]


@pytest.mark.parametrize("version", FORMS)
async def test_should_return_pod_details(api: Api, namespace: str, version: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"containers": [{"name": "c", "image": "i"}], "schedulerName": "nobody"}
    await api.create(path, {"metadata": {"name": "pod-1"}, "spec": spec})
    found = await api.get(f"{path}/pod-1", table(version))
    assert (found["kind"], found["apiVersion"]) == ("Table", f"meta.k8s.io/{version}")
    assert len(found["columnDefinitions"]) > 2
    assert found["columnDefinitions"][0]["name"] == "Name"
    (row,) = found["rows"]
    assert len(row["cells"]) == len(found["columnDefinitions"])
    assert row["cells"][:3] == ["pod-1", "0/1", "Pending"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "pod-1"


@pytest.mark.parametrize("version", FORMS)
async def test_should_return_chunks_of_table_results_for_list_calls(
    api: Api, namespace: str, version: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/podtemplates"
    template = {"spec": {"containers": [{"name": "test", "image": "test2"}]}}
    expected = [f"template-{i:04}" for i in range(5)]
    await asyncio.gather(
        *(api.create(path, {"metadata": {"name": name}, "template": template}) for name in expected)
    )
    first = await api.get(f"{path}?limit=2", table(version))
    meta = first["metadata"]
    assert [row["cells"][0] for row in first["rows"]] == expected[:2]
    assert (bool(meta["resourceVersion"]), meta["remainingItemCount"]) == (True, 3)
    second = await api.get(f"{path}?continue={quote(meta['continue'])}", table(version))
    assert [row["cells"][0] for row in second["rows"]] == expected[2:]
    assert second["metadata"]["resourceVersion"] == meta["resourceVersion"]
    assert "continue" not in second["metadata"]


@pytest.mark.parametrize("version", FORMS)
async def test_should_return_generic_metadata_details_across_all_namespaces_for_nodes(
    api: Api, version: str
) -> None:
    found = await api.get("/api/v1/nodes", table(version))
    assert found["columnDefinitions"][0]["name"] == "Name"
    assert found["metadata"]["resourceVersion"]


@pytest.mark.parametrize("version", FORMS)
async def test_should_return_a_406_for_a_backend_which_does_not_implement_metadata(
    api: Api, version: str
) -> None:
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    question = {"spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}}
    asked: list[tuple[str, Any]] = [(path, None) for path in ("/version", "/api", "/apis")]
    for path, body in [(review, question), *asked]:
        method = "POST" if body else "GET"
        code, reason, message = (
            await api.ask(method, path, body, headers=table(version))
        ).refused()
        assert (code, reason) == (406, "NotAcceptable")
        assert message.startswith("only the following media types are accepted: application/json")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("secrets", ["Name", "Type", "Data", "Age"]),
        ("configmaps", ["Name", "Data", "Age"]),
        ("serviceaccounts", ["Name", "Age"]),
    ],
)
async def test_columns_of_a_table(api: Api, namespace: str, path: str, expected: list[str]) -> None:
    where = f"/api/v1/namespaces/{namespace}/{path}"
    assert columns(await api.get(where, table("v1"))) == expected


async def test_columns_of_namespaces(api: Api, namespace: str) -> None:
    found = await api.get(f"/api/v1/namespaces/{namespace}", table("v1"))
    assert columns(found) == ["Name", "Status", "Age"]
    assert found["rows"][0]["cells"][:2] == [namespace, "Active"]


async def test_the_data_column_of_a_secret_counts_its_keys(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    await api.create(path, {"metadata": {"name": "s"}, "stringData": {"a": "1", "b": "2"}})
    found = await api.get(f"{path}/s", table("v1"))
    assert found["rows"][0]["cells"][:3] == ["s", "Opaque", 2]
