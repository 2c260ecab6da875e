"""Upstream's ``Lease``: what a client does with one in its life."""

from __future__ import annotations

from tests.conformance.wire import STRATEGIC, Api, gone

GROUP = "/apis/coordination.k8s.io/v1"
NAME = "lease-of-test"


async def test_lease_api_should_be_available(api: Api, namespace: str) -> None:
    path = f"{GROUP}/namespaces/{namespace}/leases"
    spec = {
        "holderIdentity": "holder",
        "leaseDurationSeconds": 30,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:05.123456Z",
        "leaseTransitions": 0,
    }
    made = await api.create(path, {"metadata": {"name": NAME}, "spec": spec})
    read = await api.get(f"{path}/{NAME}")
    assert read["spec"] == made["spec"] == spec

    changed = {
        "holderIdentity": "holder2",
        "leaseDurationSeconds": 60,
        "acquireTime": "2026-01-01T00:01:00.000000Z",
        "renewTime": "2026-01-01T00:01:05.654321Z",
        "leaseTransitions": 1,
    }
    await api.put(f"{path}/{NAME}", read | {"spec": changed})
    assert (await api.get(f"{path}/{NAME}"))["spec"] == changed

    patch = {"spec": {"holderIdentity": "holder3", "leaseTransitions": 2}}
    await api.patch(f"{path}/{NAME}", patch, STRATEGIC)
    assert (await api.get(f"{path}/{NAME}"))["spec"] == changed | patch["spec"]

    labels = {"deletecollection": "true"}
    await api.create(path, {"metadata": {"name": "lease2", "labels": labels}, "spec": spec})
    assert len((await api.get(path))["items"]) == 2
    everywhere = await api.get(f"{GROUP}/leases?fieldSelector=metadata.namespace%3D{namespace}")
    assert len(everywhere["items"]) == 2
    await api.delete(f"{path}?labelSelector=deletecollection%3Dtrue")
    assert [item["metadata"]["name"] for item in (await api.get(path))["items"]] == [NAME]
    await api.delete(f"{path}/{NAME}")
    await gone(api, f"{path}/{NAME}")
