"""For which tokens a node may ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strongroom.access.admission.noderestriction import NodeRestriction
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import User
from strongroom.api.codec import from_tree
from strongroom.api.errors import StatusError
from strongroom.resources.csidriver import CSIDriver
from strongroom.resources.pod import Pod
from strongroom.resources.tokenrequest import TokenRequest
from tests.access.around import Around
from tests.access.test_admission import ADMIN, NODE, request

BOUND = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"}
VOLUMES = [
    {"name": "own", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    {
        "name": "vault",
        "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "vault"}}]},
    },
    {"name": "disk", "csi": {"driver": "disks.example"}},
]


def pod(name: str = "p", node: str = "n1", volumes: list[dict[str, Any]] = VOLUMES) -> Pod:
    spec = {"nodeName": node, "volumes": volumes, "containers": [{"name": "c"}]}
    return from_tree({"metadata": {"name": name, "uid": "u1"}, "spec": spec}, Pod)


def around(*pods: Pod) -> Around:
    driver = {"metadata": {"name": "disks.example"}, "spec": {"tokenRequests": [{"audience": "d"}]}}
    return Around(
        pods={("x", each.metadata.name): each for each in pods},
        drivers={"disks.example": from_tree(driver, CSIDriver)},
    )


def asked(
    bound: dict[str, str] | None, *audiences: str, user: User = NODE, part: str = "token"
) -> AdmissionRequest:
    tree = {"spec": {"audiences": list(audiences), "boundObjectRef": bound}}
    obj = from_tree(tree, TokenRequest)
    made = request(user, "CREATE", "serviceaccounts", namespace="x", name="robot", obj=obj)
    return replace(made, attributes=replace(made.attributes, subresource=part))


async def refusal(wanted: AdmissionRequest, given: Around) -> tuple[int, str]:
    with pytest.raises(StatusError) as raised:
        await NodeRestriction(given).mutate(wanted)
    prefix = 'serviceaccounts "robot" is forbidden: '
    return raised.value.code, raised.value.message.removeprefix(prefix)


@pytest.mark.parametrize(
    ("bound", "why"),
    [
        (None, "node requested token not bound to a pod"),
        ({**BOUND, "kind": "Secret"}, "node requested token not bound to a pod"),
        ({**BOUND, "apiVersion": "v2"}, "node requested token not bound to a pod"),
        ({**BOUND, "name": ""}, "node requested token not bound to a pod"),
        ({**BOUND, "uid": ""}, "node requested token with a pod binding without a uid"),
        (
            {**BOUND, "uid": "u0"},
            (
                "the UID in the bound object reference (u0) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            ),
        ),
        (
            {**BOUND, "name": "far"},
            "node requested token bound to a pod scheduled on a different node",
        ),
    ],
)
async def test_tokens_that_no_pod_of_the_node_is_bound_to(
    bound: dict[str, str] | None, why: str
) -> None:
    given = around(pod(), pod("far", "n2"))
    assert await refusal(asked(bound), given) == (403, why)


async def test_a_pod_that_is_not_there() -> None:
    assert await refusal(asked(BOUND), around()) == (404, 'pods "p" not found')


@pytest.mark.parametrize("audiences", [[], ["vault"], ["d"]])
async def test_audiences_that_the_pod_mounts(audiences: list[str]) -> None:
    await NodeRestriction(around(pod())).mutate(asked(BOUND, *audiences))


@pytest.mark.parametrize(("audience", "volumes"), [("other", VOLUMES), ("", VOLUMES[1:])])
async def test_audiences_that_it_does_not(audience: str, volumes: list[dict[str, Any]]) -> None:
    wanted = asked(BOUND, *filter(None, [audience]))
    given = around(pod(volumes=volumes))
    why = (
        f'audience "{audience}" not found in pod spec volume, '
        "system:node:n1 is not authorized to request tokens for this audience"
    )
    assert await refusal(wanted, given) == (403, why)
    given.allowed.add(("request-serviceaccounts-token-audience", audience, "x", "robot"))
    await NodeRestriction(given).mutate(wanted)


async def test_several_audiences() -> None:
    why = "node may only request 0 or 1 audiences"
    assert await refusal(asked(BOUND, "vault", "d"), around(pod())) == (403, why)


async def test_who_is_a_node_without_a_name_asks_for_nothing() -> None:
    eve = asked(BOUND, user=User("eve", groups=("system:nodes",)))
    plugin = NodeRestriction(around(pod()))
    await plugin.mutate(eve)
    with pytest.raises(StatusError, match="could not determine node from user"):
        await plugin.validate(eve)


async def test_who_is_no_node_asks_for_what_it_may() -> None:
    await NodeRestriction(around()).mutate(asked(None, "any", user=ADMIN))
