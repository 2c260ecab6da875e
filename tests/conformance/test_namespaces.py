"""Upstream's ``Namespaces``, as far as the API alone shows it; the rest is of the controller."""

from __future__ import annotations

from tests.conformance.wire import STRATEGIC, Api, gone

NAMESPACES = "/api/v1/namespaces"


async def test_should_patch_a_namespace(api: Api, namespace: str) -> None:
    patch = {"metadata": {"labels": {"testLabel": "testValue"}}}
    await api.patch(f"{NAMESPACES}/{namespace}", patch, STRATEGIC)
    labels = (await api.get(f"{NAMESPACES}/{namespace}"))["metadata"]["labels"]
    assert labels == {"kubernetes.io/metadata.name": namespace, "testLabel": "testValue"}


async def test_should_apply_an_update_to_a_namespace(api: Api, namespace: str) -> None:
    found = await api.get(f"{NAMESPACES}/{namespace}")
    found["metadata"]["labels"][namespace] = "updated"
    updated = await api.put(f"{NAMESPACES}/{namespace}", found)
    assert updated["metadata"]["labels"][namespace] == "updated"


async def test_should_apply_changes_to_a_namespace_status(api: Api, namespace: str) -> None:
    path = f"{NAMESPACES}/{namespace}/status"
    condition = {
        "type": "StatusPatch",
        "status": "True",
        "reason": "E2E",
        "message": "Patched by an e2e test",
    }
    patched = await api.patch(path, {"status": {"conditions": [condition]}})
    assert [each["type"] for each in patched["status"]["conditions"]] == ["StatusPatch"]
    found = await api.get(path)
    found["status"]["conditions"].append(condition | {"type": "StatusUpdate"})
    updated = await api.put(path, found)
    assert [each["type"] for each in updated["status"]["conditions"]] == [
        "StatusPatch",
        "StatusUpdate",
    ]
    assert updated["status"]["phase"] == "Active"


async def test_should_apply_a_finalizer_to_a_namespace(api: Api, namespace: str) -> None:
    """Through ``/finalize``: with it, the namespace stays until it is taken off again."""
    path, finalizer = f"{NAMESPACES}/{namespace}", "e2e.example.com/fakeFinalizer"
    found = await api.get(path)
    assert found["spec"]["finalizers"] == ["kubernetes"]
    found["spec"]["finalizers"].append(finalizer)
    updated = await api.put(f"{path}/finalize", found)
    assert updated["spec"]["finalizers"] == ["kubernetes", finalizer]
    deleted = await api.delete(path)
    assert deleted["status"]["phase"] == "Terminating"
    found = await api.get(path)
    found["spec"]["finalizers"] = [finalizer]
    await api.put(f"{path}/finalize", found)
    assert (await api.get(path))["spec"]["finalizers"] == [finalizer]
    found = await api.get(path)
    found["spec"]["finalizers"] = []
    await api.put(f"{path}/finalize", found)
    await gone(api, path)
