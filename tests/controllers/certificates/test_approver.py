"""Under which names a node is let serve without anybody's decision."""

from __future__ import annotations

from typing import Any, cast

import pytest

from strongroom.controllers.certificates.approver import Approver
from strongroom.controllers.certificates.requests import read
from tests.controllers.certificates.making import SERVING_USAGES, asking, node_pkcs10

SERVING = "kubernetes.io/kubelet-serving"
TAKEN = {"kubernetes.default.svc", "localhost", "Host.example"}


async def reason(node: str, names: tuple[str, ...]) -> str:
    """Why a node's request for itself is approved, which asks nobody; empty when it is not."""
    approver = Approver(cast("Any", None), cast("Any", None), TAKEN)
    request = asking(node_pkcs10(node, names), SERVING, SERVING_USAGES)
    request.spec.username, request.spec.groups = f"system:node:{node}", ["system:nodes"]
    return await approver._reason(request.spec, read(request.spec.request))


@pytest.mark.parametrize("node", ["n1", "n1.rack-2.example", "svc", "svc1.example"])
async def test_its_own_name(node: str) -> None:
    assert await reason(node, (node,))
    assert not await reason(node, (node, "other"))
    assert not await reason(node, ("other",))


@pytest.mark.parametrize(
    "node",
    [
        *("localhost", "LOCALHOST", "localhost.", "host.example"),
        *("kubernetes.default.svc", "Kubernetes.Default.Svc", "kubernetes.default.svc."),
        *("*", "*.default.svc", "*.example"),
        *("hook.webhooks.svc", "hook.webhooks.svc.cluster.local", "db.svc.other.domain"),
    ],
)
async def test_no_name_that_clients_take_for_the_servers_or_a_services(node: str) -> None:
    assert not await reason(node, (node,))
