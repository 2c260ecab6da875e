"""Thousands of generated questions to a whole chain of authorizers, and a second, plain answer.

Who asks (users, groups, accounts, nodes, masters) is crossed with verbs, groups, resources and
their parts, names, namespaces, paths and selectors, while roles, bindings and pods change, and
webhooks stand anywhere in the chain. RBAC by itself is in ``test_rbac``.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from strongroom.access.authz.node import NodeAuthorizer
from strongroom.access.authz.node_graph import NodeGraph
from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.authz.union import MastersAuthorizer, NamedAuthorizer, UnionAuthorizer
from strongroom.access.authz.webhook import WebhookAuthorizer, WebhookSettings
from strongroom.access.review import ReviewFailed
from strongroom.access.user import Attributes, User
from strongroom.resources.pod import Pod
from strongroom.testing.clock import ManualClock
from tests.access.chain_evaluator import Ask, World, decide, webhook_says
from tests.access.evaluator import evaluate
from tests.access.test_rbac import NAMES, NAMESPACES, change, some
from tests.resources.making import made

SEEDS = 10
ROUNDS, QUESTIONS = 50, 12

WHO = (
    ("jane", ()),
    ("jane", ("dev",)),
    ("joe", ("ops", "system:authenticated")),
    ("joe", ("system:nodes",)),
    ("root", ("system:masters",)),
    ("jane", ("dev", "system:masters")),
    ("system:serviceaccount:shop:bot", ("system:serviceaccounts", "system:serviceaccounts:shop")),
    ("system:serviceaccount:till:bot", ("system:authenticated",)),
    ("system:node:n1", ("system:nodes", "system:authenticated")),
    ("system:node:n2", ("system:nodes",)),
    ("system:node:n1", ("dev",)),
    ("system:node:", ("system:nodes",)),
)
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
THINGS = (
    ("", "secrets", ""),
    ("", "secrets", "scale"),
    ("", "configmaps", ""),
    ("", "serviceaccounts", ""),
    ("", "serviceaccounts", "token"),
    ("", "pods", ""),
    ("", "pods", "log"),
    ("", "pods", "status"),
    ("", "pods", "eviction"),
    ("", "nodes", ""),
    ("", "nodes", "status"),
    ("", "nodes", "proxy"),
    ("", "services", ""),
    ("apps", "pods", "scale"),
    ("coordination.k8s.io", "leases", ""),
)
FIELDS = (
    "spec.nodeName=n1",
    "spec.nodeName==n2,status.phase=Running",
    "spec.nodeName!=n1",
    "status.phase=Running",
    "metadata.name=a",
    "((",
)
PATHS = ("/healthz", "/healthz/ping", "/metrics", "/apis/apps", "/x")
SAYS = ("allow", "deny", "", "fails", "fails closed")

T = TypeVar("T")


class Hook:
    """A webhook: answers reviews by its lines, by nothing but what the review says."""

    def __init__(self, lines: list[dict[str, str]]) -> None:
        self.lines = lines

    async def ask(self, body: bytes, read: Callable[[bytes], T]) -> T:
        review = json.loads(body)
        spec = review["spec"]
        what = spec.get("resourceAttributes") or spec["nonResourceAttributes"]
        keys = ("verb", "resource", "namespace", "path")
        said = webhook_says(
            self.lines, {"user": spec["user"]} | {key: what.get(key, "") for key in keys}
        )
        if said.startswith("fails"):
            raise ReviewFailed("away")
        review["status"] = {"allowed": said == "allow", "denied": said == "deny"}
        return read(json.dumps(review).encode())


def _lines(rng: random.Random, failing: str) -> list[dict[str, str]]:
    known = [said for said in SAYS if not said.startswith("fails") or said == failing]
    choices = {
        "user": ("jane", "joe", "system:node:n1", "root"),
        "verb": VERBS,
        "resource": ("secrets", "pods", "nodes"),
        "namespace": ("", *NAMESPACES),
        "path": PATHS,
    }
    return [
        {key: rng.choice(choices[key]) for key in some(rng, tuple(choices))}
        | {"says": rng.choice(known)}
        for _ in range(rng.randint(1, 6))
    ]


def _chain(rng: random.Random, world: World, policies: Policies, graph: NodeGraph) -> Authorizer:
    """A chain in some order, and the same in the plain world."""

    async def fresh() -> None:
        """The graph is given."""

    parts: dict[str, Authorizer] = {
        "node": NodeAuthorizer(graph, fresh),
        "rbac": RBACAuthorizer(policies),
    }
    for number in range(rng.randint(0, 2)):
        name, closed = f"hook{number}", rng.random() < 0.5
        world.hooks[name] = _lines(rng, "fails closed" if closed else "fails")
        on_failure = Verdict.DENY if closed else Verdict.NO_OPINION
        ttl = rng.choice((0.0, 60.0))
        settings = WebhookSettings(name, rng.choice(("v1", "v1beta1")), ttl, ttl, on_failure)
        parts[name] = WebhookAuthorizer(Hook(world.hooks[name]), settings, ManualClock())
    world.chain = rng.sample(list(parts), len(parts))
    named = [NamedAuthorizer(name, parts[name]) for name in world.chain]
    return UnionAuthorizer([NamedAuthorizer("masters", MastersAuthorizer()), *named])


def _move_pods(rng: random.Random, world: World, graph: NodeGraph) -> None:
    """Let a pod come, go, or be bound elsewhere."""
    place = rng.choice(NAMESPACES), rng.choice(NAMES)
    if rng.random() < 0.3:
        world.pods.pop(place, None)
        graph.put(*place, None)
        return
    pod: dict[str, Any] = {
        "node": rng.choice(("", "n1", "n2")),
        "mirror": rng.random() < 0.1,
        "secrets": some(rng, NAMES),
        "configmaps": some(rng, NAMES),
        "serviceaccounts": [rng.choice(NAMES)],
    }
    world.pods[place] = pod
    graph.put(*place, _pod(*place, pod))


def _pod(namespace: str, name: str, pod: dict[str, Any]) -> Pod:
    sources = [{"secretRef": {"name": name}} for name in pod["secrets"]]
    volumes = [{"name": name, "configMap": {"name": name}} for name in pod["configmaps"]]
    mirror = {"kubernetes.io/config.mirror": "x"} if pod["mirror"] else {}
    meta = {"name": name, "namespace": namespace, "annotations": mirror}
    spec = {
        "nodeName": pod["node"],
        "serviceAccountName": pod["serviceaccounts"][0],
        "containers": [{"name": "main", "image": "none", "envFrom": sources}],
        "volumes": volumes,
    }
    return made({"metadata": meta, "spec": spec}, Pod)


def _question(rng: random.Random) -> Ask:
    user, groups = rng.choice(WHO)
    keys = ("path", "group", "resource", "subresource", "namespace", "name", "fields", "labels")
    ask: Ask = dict.fromkeys(keys, "") | {"user": user, "groups": groups}
    if rng.random() < 0.1:
        return ask | {"verb": rng.choice(("get", "post")), "path": rng.choice(PATHS)}
    group, resource, subresource = rng.choice(THINGS)
    ask |= {"verb": rng.choice(VERBS), "group": group}
    ask |= {"resource": resource, "subresource": subresource}
    ask["namespace"] = rng.choice(("", *NAMESPACES, *NAMESPACES, "kube-node-lease"))
    ask["name"] = rng.choice(("", *NAMES, *NAMES, "n1", "n2"))
    if ask["verb"] in ("list", "watch", "deletecollection") and rng.random() < 0.6:
        ask["fields"] = rng.choice(FIELDS)
        ask["labels"] = rng.choice(("", "a=b", "!!"))
    return ask


def _attributes(ask: Ask) -> Attributes:
    return Attributes(
        User(ask["user"], groups=ask["groups"]),
        ask["verb"],
        ask["path"],
        is_resource=not ask["path"],
        group=ask["group"],
        resource=ask["resource"],
        subresource=ask["subresource"],
        namespace=ask["namespace"],
        name=ask["name"],
        field_selector=ask["fields"],
        label_selector=ask["labels"],
    )


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_chain_decides_as_the_plain_evaluator_does(seed: int) -> None:
    rng = random.Random(seed)
    world, policies, graph = World(), Policies(), NodeGraph()
    authorizer = _chain(rng, world, policies, graph)
    answers: Counter[str] = Counter()
    for _ in range(ROUNDS):
        _move_pods(rng, world, graph)
        for _ in range(3):
            change(rng, world.cluster, policies)
        for _ in range(QUESTIONS):
            ask = _question(rng)
            expected = decide(world, ask)
            decision = await authorizer.authorize(_attributes(ask))
            verdict = {Verdict.ALLOW: "allow", Verdict.DENY: "deny"}.get(decision.verdict, "")
            assert verdict == expected, (world.chain, ask, decision)
            if decision.reason.startswith("RBAC: allowed"):
                assert decision.reason == evaluate(world.cluster, ask)[1]
            answers[expected] += 1
    assert min(answers["allow"], answers[""]) > 50


def test_there_are_thousands_of_cases_of_every_sort() -> None:
    """What is generated crosses all that decides; else the table would show little."""
    rng = random.Random(0)
    asked = [_question(rng) for _ in range(SEEDS * ROUNDS * QUESTIONS)]
    assert len({str(ask) for ask in asked}) >= 5000
    pairs = {(ask["user"], ask["verb"], ask["resource"]) for ask in asked if not ask["path"]}
    assert len(pairs) >= len({user for user, _ in WHO}) * len(VERBS) * 6
    assert {ask["fields"] for ask in asked} == {"", *FIELDS}
    assert {ask["path"] for ask in asked} == {"", *PATHS}
