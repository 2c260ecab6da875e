"""RBAC: thousands of generated questions as a second evaluator answers them, and single ones."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.authz.rbac import LONGEST, RBACAuthorizer
from strongroom.access.user import Attributes, User
from strongroom.api import codec
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject
from tests.access.evaluator import Cluster, evaluate

NAMES = ("a", "b", "c", "d")
NAMESPACES = ("shop", "till")
GROUPS = ("", "apps", "*")
VERBS = ("get", "list", "create", "*")
RESOURCES = ("pods", "secrets", "pods/log", "*/log", "*/scale", "*", "secrets/scale")
PATHS = ("/healthz", "/healthz/*", "/metrics", "*", "/apis/*")
USERS = ("jane", "joe", "system:serviceaccount:shop:bot", "system:serviceaccount:till:bot")
TEAMS = ("dev", "ops", "system:authenticated")


def some(rng: random.Random, values: tuple[str, ...], most: int = 2) -> list[str]:
    return rng.sample(values, rng.randint(1, most))


def rule(rng: random.Random, *, paths: bool) -> dict[str, Any]:
    if paths and rng.random() < 0.3:
        return {"verbs": some(rng, VERBS), "nonResourceURLs": some(rng, PATHS)}
    made = {
        "verbs": some(rng, VERBS),
        "apiGroups": some(rng, GROUPS),
        "resources": some(rng, RESOURCES),
    }
    if rng.random() < 0.3:
        made["resourceNames"] = some(rng, NAMES)
    return made


def subject(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(("User", "Group", "ServiceAccount"))
    if kind == "User":
        return {"kind": kind, "name": rng.choice(USERS)}
    if kind == "Group":
        return {"kind": kind, "name": rng.choice(TEAMS)}
    return {"kind": kind, "name": "bot", "namespace": rng.choice(("", *NAMESPACES))}


def change(rng: random.Random, cluster: Cluster, policies: Policies) -> None:
    """Put or take away one object, in the plain cluster and in what is tested."""
    kind = rng.choice(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))
    namespace = "" if kind.startswith("Cluster") else rng.choice(NAMESPACES)
    name = rng.choice(NAMES)
    binding = kind.endswith("Binding")
    if rng.random() < 0.25:
        cluster.pop((kind, namespace, name), None)
        (policies.drop_binding if binding else policies.drop_role)(namespace, name)
    elif binding:
        of = rng.choice(("Role", "ClusterRole")) if namespace else "ClusterRole"
        ref = {"apiGroup": "", "kind": of, "name": rng.choice((*NAMES, "none"))}
        subjects = [subject(rng) for _ in range(rng.randint(0, 3))]
        cluster[kind, namespace, name] = {"roleRef": ref, "subjects": subjects}
        named = [codec.from_tree(tree, Subject) for tree in subjects]
        policies.put_binding(namespace, name, codec.from_tree(ref, RoleRef), named)
    else:
        rules = [rule(rng, paths=not namespace) for _ in range(rng.randint(0, 3))]
        cluster[kind, namespace, name] = {"rules": rules}
        policies.put_role(namespace, name, [codec.from_tree(tree, PolicyRule) for tree in rules])


def question(rng: random.Random) -> dict[str, Any]:
    ask: dict[str, Any] = {
        "user": rng.choice(USERS),
        "groups": tuple(some(rng, TEAMS)) if rng.random() < 0.5 else (),
        "verb": rng.choice(("get", "list", "create", "delete")),
    }
    what = dict.fromkeys(("path", "group", "resource", "subresource", "namespace", "name"), "")
    if rng.random() < 0.2:
        path = rng.choice(("/healthz", "/healthz/ping", "/metrics", "/apis/apps", "/x"))
        return ask | what | {"path": path}
    return (
        ask
        | what
        | {
            "group": rng.choice(("", "apps")),
            "resource": rng.choice(("pods", "secrets")),
            "subresource": rng.choice(("", "", "log", "scale")),
            "namespace": rng.choice(("", *NAMESPACES)),
            "name": rng.choice(("", *NAMES)),
        }
    )


def attributes(ask: dict[str, Any]) -> Attributes:
    what = {k: v for k, v in ask.items() if k not in ("user", "groups", "verb", "path")}
    user = User(ask["user"], groups=ask["groups"])
    return Attributes(user, ask["verb"], ask["path"], is_resource=not ask["path"], **what)


@pytest.mark.parametrize("seed", range(8))
async def test_generated_questions_are_answered_as_the_plain_evaluator_answers_them(
    seed: int,
) -> None:
    rng = random.Random(seed)
    cluster: Cluster = {}
    policies = Policies()
    authorizer = RBACAuthorizer(policies)
    allowed = refused = explained = 0
    for _ in range(150):
        for _ in range(rng.randint(1, 4)):
            change(rng, cluster, policies)
        for _ in range(5):
            ask = question(rng)
            decision = await authorizer.authorize(attributes(ask))
            expected, reason = evaluate(cluster, ask)
            assert (decision.verdict is Verdict.ALLOW, decision.reason) == (expected, reason), ask
            allowed += expected
            refused += not expected
            explained += bool(reason) and not expected
    assert min(allowed, refused, explained) > 50


def _bind(policies: Policies, role: str, *subjects: tuple[str, str], namespace: str = "") -> None:
    named = [Subject(kind=kind, name=name) for kind, name in subjects]
    ref = RoleRef(kind="ClusterRole", name=role)
    policies.put_binding(namespace, f"{role}-binding", ref, named)


def _reads_secrets() -> Policies:
    policies = Policies()
    rules = [PolicyRule(verbs=["get"], apiGroups=[""], resources=["secrets"])]
    policies.put_role("", "reader", rules)
    return policies


def _get_secret(user: str, namespace: str = "shop") -> Attributes:
    return Attributes(
        User(user), "get", "", is_resource=True, resource="secrets", namespace=namespace, name="s"
    )


async def test_a_changed_binding_or_role_is_in_effect_at_the_next_question() -> None:
    policies = _reads_secrets()
    authorizer = RBACAuthorizer(policies)

    async def may() -> bool:
        return (await authorizer.authorize(_get_secret("jane"))).verdict is Verdict.ALLOW

    assert not await may()
    _bind(policies, "reader", ("User", "jane"), namespace="shop")
    assert await may()
    policies.put_role("", "reader", [])
    assert not await may()
    policies.put_role("", "reader", [PolicyRule(verbs=["*"], apiGroups=["*"], resources=["*"])])
    assert await may()
    _bind(policies, "reader", ("User", "joe"), namespace="shop")
    assert not await may()
    _bind(policies, "reader", ("User", "jane"), namespace="shop")
    policies.drop_binding("shop", "reader-binding")
    assert not await may()


async def test_who_is_bound_in_a_namespace_may_nothing_elsewhere() -> None:
    policies = _reads_secrets()
    _bind(policies, "reader", ("User", "jane"), namespace="shop")
    authorizer = RBACAuthorizer(policies)
    for namespace in ("till", ""):
        assert await authorizer.authorize(_get_secret("jane", namespace)) == Decision()


async def test_questions_are_decided_once_until_something_changes() -> None:
    """The cost does not grow with the bindings: those of others are never looked at."""
    policies = _reads_secrets()
    for i in range(2000):
        subject = Subject(kind="User", name=f"user-{i}")
        policies.put_binding(
            "", f"binding-{i}", RoleRef(kind="ClusterRole", name="reader"), [subject]
        )
    asked: list[tuple[str, str]] = []
    rules = policies.rules

    def counting(role: tuple[str, str]) -> Any:
        asked.append(role)
        return rules(role)

    policies.rules = counting  # type: ignore[method-assign]  # counts what is looked at
    authorizer = RBACAuthorizer(policies)
    for _ in range(3):
        decision = await authorizer.authorize(_get_secret("user-77"))
        assert decision.reason == (
            'RBAC: allowed by ClusterRoleBinding "binding-77" of ClusterRole "reader" '
            'to User "user-77"'
        )
    assert asked == [("", "reader")]


async def test_long_questions_are_answered_and_not_kept() -> None:
    """A review may ask about three megabytes, and anybody may ask about themselves."""
    authorizer = RBACAuthorizer(_reads_secrets())
    await authorizer.authorize(_get_secret("eve", "x" * 100))
    for long in (
        _get_secret("eve", "x" * LONGEST),
        _get_secret("x" * LONGEST),
        replace(_get_secret("eve"), verb="x" * LONGEST),
        replace(_get_secret("eve"), user=User("eve", groups=("g" * 600, "h" * 600))),
        Attributes(User("eve"), "get", "/" + "x" * LONGEST),
    ):
        assert await authorizer.authorize(long) == Decision()
    assert len(authorizer._kept) == 1
