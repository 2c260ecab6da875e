"""Upstream's ``Certificates API``: what clients and approvers do with a request."""

from __future__ import annotations

import base64
from typing import Any

from tests.conformance.wire import MERGE, Api, gone
from tests.controllers.certificates.making import authority, pkcs10

GROUP = "/apis/certificates.k8s.io/v1"
CSRS = f"{GROUP}/certificatesigningrequests"
LABEL = "labelSelector=set%3Done"


async def test_should_support_csr_api_operations(api: Api) -> None:
    kinds = {r["name"]: r["verbs"] for r in (await api.get(GROUP))["resources"]}
    for part in ("approval", "status"):
        assert kinds[f"certificatesigningrequests/{part}"] == ["get", "patch", "update"]
    spec = {
        "request": base64.b64encode(pkcs10("e2e.example.com")).decode(),
        "signerName": "example.com/e2e-other",
        "expirationSeconds": 3600,
        "usages": ["digital signature", "key encipherment", "server auth"],
    }
    meta = {"generateName": "csr-e2e-", "labels": {"set": "one"}}
    for _ in range(2):
        await api.create(CSRS, {"metadata": meta, "spec": spec})
    made = await api.create(CSRS, {"metadata": meta, "spec": spec})
    path = f"{CSRS}/{made['metadata']['name']}"
    read = await api.get(path)
    assert {name: read["spec"][name] for name in spec} == spec
    assert read["spec"]["username"] == "kubernetes-admin"
    assert len((await api.get(f"{CSRS}?{LABEL}"))["items"]) == 3

    patched = await api.patch(path, {"metadata": {"annotations": {"patched": "true"}}}, MERGE)
    assert patched["metadata"]["annotations"] == {"patched": "true"}
    patched["metadata"]["annotations"]["updated"] = "true"
    patched["spec"]["usages"] = ["any"]
    updated = await api.put(path, patched)
    assert updated["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
    assert updated["spec"] == read["spec"]

    approved = {"type": "ApprovalPatch", "status": "True", "reason": "e2e"}
    noted = {"annotations": {"approval": "true"}}
    change: Any = {"metadata": noted, "status": {"conditions": [approved]}}
    seen = await api.patch(f"{path}/approval", change, MERGE)
    assert seen["status"]["conditions"][0]["type"] == "ApprovalPatch"
    assert seen["status"]["conditions"][0]["lastTransitionTime"]
    assert (await api.get(f"{path}/approval"))["spec"] == read["spec"]
    seen["status"]["conditions"].append({"type": "Approved", "status": "True", "reason": "E2E"})
    seen = await api.put(f"{path}/approval", seen)
    assert [c["type"] for c in seen["status"]["conditions"]] == ["ApprovalPatch", "Approved"]

    certificate = base64.b64encode(authority()[0]).decode()
    seen = await api.patch(f"{path}/status", {"status": {"certificate": certificate}}, MERGE)
    assert seen["status"]["certificate"] == certificate
    seen["status"]["conditions"].append({"type": "StatusUpdate", "status": "True"})
    seen = await api.put(f"{path}/status", seen)
    assert seen["status"]["conditions"][2]["type"] == "StatusUpdate"

    await api.delete(path)
    await gone(api, path)
    await api.delete(f"{CSRS}?{LABEL}")
    assert (await api.get(f"{CSRS}?{LABEL}"))["items"] == []
