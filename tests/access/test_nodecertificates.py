"""For which certificates a node may ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strongroom.access.admission.noderestriction import NodeRestriction
from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.codec import from_tree
from strongroom.api.errors import StatusError
from strongroom.resources.node_object import Node
from strongroom.resources.pod import Pod
from strongroom.resources.serviceaccount import ServiceAccount
from tests.access.around import Around
from tests.access.test_admission import ADMIN, NODE, request
from tests.controllers.certificates.podrequests import wanting

SIGNER = "example.com/mesh"


def pod(node: str = "n1", *, uid: str = "u1", account: str = "robot", mirror: bool = False) -> Pod:
    source = {"podCertificate": {"signerName": SIGNER, "userAnnotations": {"a.io/b": "c"}}}
    tree: dict[str, Any] = {
        "metadata": {"name": "web", "uid": uid, "annotations": {}},
        "spec": {
            "nodeName": node,
            "serviceAccountName": account,
            "volumes": [{"name": "own", "projected": {"sources": [source]}}],
            "containers": [{"name": "c"}],
        },
    }
    if mirror:
        tree["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x"
    return from_tree(tree, Pod)


def around(found: Pod | None) -> Around:
    account = from_tree({"metadata": {"name": "robot", "uid": "u2"}}, ServiceAccount)
    node = from_tree({"metadata": {"name": "n1", "uid": "u3"}}, Node)
    pods = {("shop", "web"): found} if found is not None else {}
    return Around(accounts={("shop", "robot"): account}, pods=pods, nodes={"n1": node})


def asked(operation: str = "CREATE", **spec: Any) -> AdmissionRequest:
    obj = wanting(**{"unverifiedUserAnnotations": {"a.io/b": "c"}, **spec})
    kind, group = "podcertificaterequests", "certificates.k8s.io"
    return request(NODE, operation, kind, group=group, namespace="shop", name="r", obj=obj)


async def test_the_nodes_own_pod() -> None:
    await NodeRestriction(around(pod())).validate(asked())


async def test_others_are_not_judged() -> None:
    wanted = asked(podUID="other")
    admin = replace(wanted, attributes=replace(wanted.attributes, user=ADMIN))
    await NodeRestriction(around(None)).validate(admin)


@pytest.mark.parametrize(
    ("spec", "found", "why"),
    [
        ({"nodeName": "n2"}, pod(), 'NodeName="n2", which is not the requesting node "n1"'),
        ({"nodeUID": "x"}, pod(), 'names node UID "x", inconsistent with the running node'),
        ({}, None, 'pod "shop/web" named in the PodCertificateRequest does not exist'),
        ({"podUID": "x"}, pod(), 'contains pod UID ("x") which differs from running pod "u1"'),
        ({}, pod("n2"), 'pod "shop/web" is not running on node "n1"'),
        ({}, pod(mirror=True), 'pod "shop/web" is a mirror pod'),
        ({}, pod(account="boss"), '("robot") that differs from running pod ("boss")'),
        ({"serviceAccountUID": "x"}, pod(), 'names service account UID "x", which differs'),
        ({"signerName": "example.com/x"}, pod(), "mounts no podCertificate volume with signer"),
        ({"unverifiedUserAnnotations": {}}, pod(), "mounts no podCertificate volume with signer"),
    ],
)
async def test_what_a_node_may_not_ask(spec: dict[str, Any], found: Pod | None, why: str) -> None:
    with pytest.raises(StatusError) as raised:
        await NodeRestriction(around(found)).validate(asked(**spec))
    assert raised.value.code == 403
    assert why in raised.value.message


@pytest.mark.parametrize(
    "wanted",
    [
        asked("UPDATE"),
        replace(asked(), attributes=replace(asked().attributes, subresource="status")),
    ],
)
async def test_nodes_only_ask(wanted: AdmissionRequest) -> None:
    with pytest.raises(StatusError, match="unexpected"):
        await NodeRestriction(around(pod())).validate(wanted)


async def test_other_signers_by_right() -> None:
    given = around(pod())
    verb = "request-serviceaccounts-podcertificate-signer"
    given.allowed.add((verb, "example.com:x", "shop", "robot"))
    await NodeRestriction(given).validate(asked(signerName="example.com/x"))
