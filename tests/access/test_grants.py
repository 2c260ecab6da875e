"""What a node is given, decided from grants and pods alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from strongroom.access.authz.grants import Grants, given
from strongroom.access.authz.node_graph import NodeGraph, Thing
from strongroom.resources.pod import Pod
from strongroom.resources.secret_reference import ALL, Granted
from strongroom.resources.secretgrant import SecretGrant
from tests.resources.making import made

REFERENCE, SECRET = ("shop", "mine"), ("vault", "db")
SOME: Granted = {ALL: frozenset("a")}


def grant(
    accounts: Iterable[str] = ALL,
    keys: Iterable[str] = ALL,
    secret: str = "db",
    to: str = "shop",
) -> SecretGrant:
    spec = {
        "secrets": [{"name": secret, "keys": list(keys)}],
        "to": [{"namespace": to, "serviceAccounts": list(accounts)}],
    }
    return made({"spec": spec}, SecretGrant)


def pod(account: str = "", secret: str = "mine", **more: Any) -> Pod:
    meta = {"name": "p", "namespace": "shop"} | more.pop("metadata", {})
    spec = {
        "nodeName": "n1",
        "serviceAccountName": account,
        "containers": [],
        "volumes": [{"name": "s", "secret": {"secretName": secret}}],
    }
    return made({"metadata": meta, "spec": spec | more}, Pod)


@pytest.mark.parametrize(
    ("grants", "pods", "to"),
    [
        ([grant()], [pod()], {ALL: None}),
        ([grant(keys="a")], [pod()], SOME),
        ([grant(keys="a"), grant(keys="b")], [pod()], {ALL: frozenset("ab")}),
        ([grant(keys="a"), grant()], [pod()], {ALL: None}),
        # Neither who is not named, nor who names it not.
        ([], [pod()], {}),
        ([grant()], [], {}),
        ([grant()], [pod(secret="other")], {}),
        ([grant()], [pod(nodeName="n2")], {}),
        ([grant()], [pod(nodeName="")], {}),
        ([grant()], [pod(metadata={"namespace": "elsewhere"})], {}),
        ([grant(secret="other")], [pod()], {}),
        ([grant(to="elsewhere")], [pod()], {}),
        # A node makes mirror pods itself.
        ([grant()], [pod(metadata={"annotations": {"kubernetes.io/config.mirror": "x"}})], {}),
        # Accounts.
        ([grant(["web"])], [pod("web")], {"web": None}),
        ([grant(["web"])], [pod("job")], {}),
        ([grant(["web", "job"])], [pod("web")], {"web": None}),
        ([grant(["default"])], [pod()], {"default": None}),
        ([grant(["web"], "a"), grant(["web"], "b")], [pod("web")], {"web": frozenset("ab")}),
        ([grant(["web"], "a"), grant(keys="b")], [pod("web")], {"web": {"a"}, ALL: {"b"}}),
        ([grant(["web"])], [pod("web", "other"), pod("job")], {}),
    ],
)
def test_what_is_given(
    grants: list[SecretGrant], pods: list[Pod], to: Mapping[str, frozenset[str] | None]
) -> None:
    held, graph = Grants(), NodeGraph()
    for i, one in enumerate(grants):
        held.put("vault", f"g{i}", one)
    for i, one_pod in enumerate(pods):
        graph.put(one_pod.metadata.namespace, f"p{i}", one_pod)
    found = given(held, graph, "n1", REFERENCE, SECRET)
    assert dict(found.to) == to
    assert len(found.grants) == (len(grants) if to else 0)


def test_grants_and_pods_change_and_go() -> None:
    held, graph = Grants(), NodeGraph()

    def now() -> Granted:
        return given(held, graph, "n1", REFERENCE, SECRET).to

    held.put("vault", "g", grant())
    graph.put("shop", "p", pod())
    assert now() == {ALL: None}
    held.put("vault", "g", grant(keys="a"))
    assert now() == SOME
    held.put("vault", "g", grant(secret="other"))
    assert now() == {}
    held.put("vault", "g", grant(keys="a"))
    held.put("elsewhere", "g", None)
    assert now() == SOME
    graph.put("shop", "p", None)
    assert now() == {}
    graph.put("shop", "p", pod())
    held.put("vault", "g", None)
    assert now() == {}


def test_who_listens_is_told_of_what_nodes_begin_and_cease_to_use() -> None:
    graph = NodeGraph()
    told: set[Thing] = set()
    graph.changed = told.add
    mine, as_web = ("secrets", "shop", "mine"), ("secrets as web", "shop", "mine")

    def changes(changed: Pod | None) -> set[Thing]:
        told.clear()
        graph.put("shop", "p", changed)
        return set(told)

    assert {mine, as_web} <= changes(pod("web"))
    assert changes(pod("web")) == set()
    assert {mine, as_web} <= changes(pod("web", nodeName="n2"))
    assert mine in changes(pod("web", secret="other"))
    assert mine not in changes(None)
