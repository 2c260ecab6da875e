"""Upstream's ``Node Lifecycle``: a node through the API alone, with no agent behind it."""

from __future__ import annotations

from tests.conformance.wire import STRATEGIC, Api, gone


async def test_should_run_through_the_lifecycle_of_a_node(api: Api, namespace: str) -> None:
    path, name = "/api/v1/nodes", f"node-of-{namespace}"
    label = f"{name}=patched"
    labels = {"test": name}
    status = {
        "capacity": {"cpu": "16", "memory": "64Gi"},
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Test",
                "message": "of a test",
                "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
    }
    made = await api.create(path, {"metadata": {"name": name, "labels": labels}, "status": status})
    read = await api.get(f"{path}/{name}")
    assert read == made
    assert read["status"]["capacity"] == status["capacity"]

    async with api.watch(path, f"fieldSelector=metadata.name%3D{name}") as watch:
        assert (await watch.next())[0] == "ADDED"
        patch = {"metadata": {"labels": {name: "patched"}}}
        await api.patch(f"{path}/{name}", patch, STRATEGIC)
        selected = await api.get(f"{path}?labelSelector={label.replace('=', '%3D')}")
        assert [item["metadata"]["name"] for item in selected["items"]] == [name]
        kind, seen = await watch.next()
        assert (kind, seen["metadata"]["labels"][name]) == ("MODIFIED", "patched")

        updated = selected["items"][0]
        updated["metadata"]["labels"][name] = "updated"
        await api.put(f"{path}/{name}", updated)
        assert (await watch.next())[0] == "MODIFIED"

        condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E"}
        await api.patch(f"{path}/{name}/status", {"status": {"conditions": [condition]}}, STRATEGIC)
        kind, seen = await watch.next()
        conditions = {each["type"]: each["status"] for each in seen["status"]["conditions"]}
        assert (kind, conditions) == ("MODIFIED", {"Ready": "True", "StatusUpdate": "True"})

        replaced = await api.get(f"{path}/{name}/status")
        replaced["status"]["conditions"][0]["message"] = "replaced"
        replaced["metadata"]["labels"][name] = "by-status"
        answer = await api.put(f"{path}/{name}/status", replaced)
        assert answer["status"]["conditions"][0]["message"] == "replaced"

        await api.delete(f"{path}?labelSelector=test%3D{name}")
        while (await watch.next())[0] != "DELETED":
            pass
    await gone(api, f"{path}/{name}")
