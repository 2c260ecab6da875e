"""Upstream's ``Pods``, as far as the API alone shows it: their status and their life."""

from __future__ import annotations

from typing import Any

from tests.conformance.wire import JSON_PATCH, STRATEGIC, Api, gone


def pod(name: str, **labels: str) -> dict[str, Any]:
    """A pod that nobody runs: its scheduler does not exist."""
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "schedulerName": "nobody",
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": name, "image": "agnhost:1"}],
        },
    }


async def test_should_patch_a_pod_status(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    await api.create(path, pod("pod", test="patch"))
    patch = {"status": {"message": "Patched by e2e test", "reason": "E2E"}}
    patched = await api.patch(f"{path}/pod/status", patch, STRATEGIC)
    assert patched["status"]["message"] == "Patched by e2e test"
    assert patched["status"]["reason"] == "E2E"
    assert patched["status"]["phase"] == "Pending"
    assert (await api.get(f"{path}/pod"))["status"] == patched["status"]


async def test_should_run_through_the_lifecycle_of_pods_and_podstatus(
    api: Api, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    async with api.watch(path, "labelSelector=test-pod-static%3Dtrue") as watch:
        labels = {"test-pod-static": "true"}
        await api.create(path, pod("pod-test", **labels))
        assert (await watch.next())[0] == "ADDED"

        patch = {
            "metadata": {"labels": {"test-pod": "patched"}},
            "spec": {"containers": [{"name": "pod-test", "image": "agnhost:2"}]},
        }
        await api.patch(f"{path}/pod-test", patch, STRATEGIC)
        kind, seen = await watch.next()
        assert (kind, seen["metadata"]["labels"]["test-pod"]) == ("MODIFIED", "patched")
        assert [each["image"] for each in seen["spec"]["containers"]] == ["agnhost:2"]

        status = await api.get(f"{path}/pod-test/status")
        condition = {"type": "Ready", "status": "False"}
        status["status"]["conditions"] = [condition]
        status["metadata"]["labels"]["test-pod"] = "by-status"
        await api.put(f"{path}/pod-test/status", status)
        kind, seen = await watch.next()
        assert (kind, seen["status"]["conditions"]) == ("MODIFIED", [condition])
        assert seen["spec"] == status["spec"]

        await api.delete(f"{path}?labelSelector=test-pod-static%3Dtrue", {"gracePeriodSeconds": 0})
        while (await watch.next())[0] != "DELETED":
            pass
    await gone(api, f"{path}/pod-test")


async def test_should_get_a_host_ip(api: Api, namespace: str) -> None:
    """The status that a node's agent reports is what clients read."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    await api.create(path, pod("pod-hostip"))
    patch = {"status": {"hostIP": "10.1.2.3", "hostIPs": [{"ip": "10.1.2.3"}]}}
    await api.patch(f"{path}/pod-hostip/status", patch, STRATEGIC)
    status = (await api.get(f"{path}/pod-hostip"))["status"]
    assert (status["hostIP"], status["hostIPs"]) == ("10.1.2.3", [{"ip": "10.1.2.3"}])


async def test_should_delete_a_collection_of_pods(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    for i in range(3):
        await api.create(path, pod(f"test-pod-{i}", type="Testing"))
    await api.create(path, pod("other"))
    await api.delete(f"{path}?labelSelector=type%3DTesting", {"gracePeriodSeconds": 0})
    assert [item["metadata"]["name"] for item in (await api.get(path))["items"]] == ["other"]


async def test_should_be_updated_but_not_in_what_cannot_change(api: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    made = await api.create(path, pod("pod"))
    made["metadata"]["labels"] = {"time": "value"}
    assert (await api.put(f"{path}/pod", made))["metadata"]["labels"] == {"time": "value"}
    steps = [{"op": "replace", "path": "/spec/schedulerName", "value": "other"}]
    code, reason, message = (await api.ask("PATCH", f"{path}/pod", steps, JSON_PATCH)).refused()
    assert (code, reason) == (422, "Invalid")
    assert message.startswith(
        'Pod "pod" is invalid: spec: Forbidden: pod updates may not change fields other than '
    )
