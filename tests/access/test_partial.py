"""Rights to a part of a Secret: which questions are asked, and what their answers allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from strongroom.access.authz.partial import (
    MOST_ASKED,
    KeysRight,
    PartialRights,
    divisible,
    includes_part,
)
from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Authorizer, Decision, Verdict
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.authz.union import NamedAuthorizer, UnionAuthorizer
from strongroom.access.user import Attributes, User
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject
from tests.access.evaluator import evaluate

GET = Attributes(
    User("kay"), "get", "/", True, "", "v1", "secrets", namespace="ns", name="db"
)  # fmt: skip - as a call
KEYS = ["password", "tls.key", "user"]


@dataclass
class Elsewhere:
    """An authorizer that is not RBAC, such as a webhook: it answers by lists of names."""

    allowed: Sequence[str] = ()
    denied: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)

    async def authorize(self, attributes: Attributes) -> Decision:
        what = f"{attributes.subresource}:{attributes.name}"
        self.asked.append(what)
        if what in self.denied:
            return Decision(Verdict.DENY, "denied elsewhere")
        return Decision(Verdict.ALLOW if what in self.allowed else Verdict.NO_OPINION, "elsewhere")


def chain(*authorizers: Authorizer) -> UnionAuthorizer:
    """These in their order."""
    return UnionAuthorizer([NamedAuthorizer(str(i), a) for i, a in enumerate(authorizers)])


def roles(*rules: PolicyRule) -> Policies:
    """Policies by which ``kay`` has these rules in the namespace."""
    policies = Policies()
    policies.put_role("ns", "role", rules)
    role = RoleRef(apiGroup="rbac.authorization.k8s.io", kind="Role", name="role")
    policies.put_binding("ns", "binding", role, [Subject(kind="User", name="kay")])
    return policies


def rule(resources: str, *names: str, verbs: str = "get list watch", group: str = "") -> PolicyRule:
    return PolicyRule(
        verbs=verbs.split(),
        apiGroups=[group],
        resources=resources.split(),
        resourceNames=list(names),
    )


async def shown(
    rights: PartialRights, wanted: Attributes = GET, keys: Sequence[str] = KEYS
) -> list[str] | None:
    """The keys that a request is shown; None where there is no right to any."""
    right = await rights.keys(wanted)
    return None if right is None else sorted(await right.shown(list(keys)))


@pytest.mark.parametrize(
    ("held", "keys"),
    [
        (rule("secrets/keys", "db/password"), ["password"]),
        (rule("secrets/keys", "db/password", "db/user", "other/tls.key"), ["password", "user"]),
        (rule("secrets/keys", "db/tls.key"), ["tls.key"]),
        (rule("secrets/keys", "db/absent"), []),
        (rule("secrets/keys", "db/*"), KEYS),
        (rule("secrets/keys"), KEYS),
        (rule("*/keys", "db/user"), ["user"]),
        (rule("secrets secrets/keys", "db/user", verbs="*"), ["user"]),
        (rule("secrets/keys", "db"), None),
        (rule("secrets/keys", "db/"), []),
        (rule("secrets/keys", "d/password", "dbb/password", "*/password", "*"), None),
        (rule("secrets/keys", "db/pass*"), []),
        (rule("secrets/keys", "db/password", verbs="list watch"), None),
        (rule("secrets/keys", "db/password", group="apps"), None),
        (rule("secrets/metadata", "db/password"), None),
        (rule("secrets", "db/password"), None),
        (rule("configmaps/keys", "db/password"), None),
    ],
)
async def test_keys_by_rules(held: PolicyRule, keys: list[str] | None) -> None:
    policies = roles(held)
    rights = PartialRights(RBACAuthorizer(policies), policies, exhaustive=True)
    assert await shown(rights) == keys
    assert await shown(rights, replace(GET, name="")) is None
    assert await shown(rights, replace(GET, namespace="other")) is None
    assert await shown(rights, replace(GET, user=User("joe"))) is None


async def test_nobody_is_asked_for_each_key_where_rules_are_all() -> None:
    policies, other = roles(rule("secrets/keys", "db/user")), Elsewhere()
    union = chain(other, RBACAuthorizer(policies))
    rights = PartialRights(union, policies, exhaustive=True)
    assert await shown(rights, keys=[*KEYS, *(f"k{i}" for i in range(1000))]) == ["user"]
    assert other.asked == ["keys:db/*", "keys:db/user"]


async def test_a_long_rule_is_read_once() -> None:
    names = [f"db/k{i}" for i in range(20_000)]
    policies = roles(rule("secrets/keys", *names))
    rbac = RBACAuthorizer(policies)
    counting = Elsewhere()
    rights = PartialRights(chain(counting, rbac), policies, exhaustive=True)
    assert await shown(rights, keys=["k7", "k19999", "other"]) == ["k19999", "k7"]
    assert counting.asked == ["keys:db/*", "keys:db/k0"]


async def test_another_authorizer_is_asked_for_each_key_of_the_object() -> None:
    other = Elsewhere(allowed=["keys:db/user"])
    right = await PartialRights(other, None, exhaustive=False).keys(GET)
    assert right is not None
    assert not right.named
    assert await right.shown(KEYS) == {"user"}
    assert (right.named, right.reason) == (True, "elsewhere")
    assert await right.shown([*KEYS, "later"]) == {"user"}
    assert other.asked == ["keys:db/*", *(f"keys:db/{key}" for key in [*KEYS, "later"])]


async def test_no_more_than_so_many_keys_are_asked_for() -> None:
    other = Elsewhere()
    many = [f"k{i}" for i in range(2 * MOST_ASKED)]
    assert await shown(PartialRights(other, None, exhaustive=False), keys=many) == []
    assert len(other.asked) == 1 + MOST_ASKED
    right = KeysRight(GET, asking=other)
    for _ in range(2):
        assert await right.shown(many) == frozenset()
    assert len(other.asked) == 1 + 2 * MOST_ASKED


@pytest.mark.parametrize(
    ("denied", "keys"),
    [(["keys:db/password"], ["user"]), (["keys:db/*"], None), (["keys:db/other"], KEYS[::2])],
)
async def test_a_denial_goes_before_rules(denied: list[str], keys: list[str] | None) -> None:
    policies = roles(rule("secrets/keys", "db/password", "db/user"))
    union = chain(Elsewhere(denied=denied), RBACAuthorizer(policies))
    assert await shown(PartialRights(union, policies, exhaustive=False)) == keys


async def test_what_was_denied_once_is_not_shown_later() -> None:
    right = KeysRight(GET, asking=(other := Elsewhere()))
    assert await right.shown(KEYS) == frozenset()
    other.allowed = ["keys:db/user"]
    assert await right.shown(KEYS) == frozenset()


async def test_metadata_is_a_subresource_of_the_same_question() -> None:
    policies = roles(rule("secrets/metadata", "db"))
    rights = PartialRights(RBACAuthorizer(policies), policies, exhaustive=True)
    assert (await rights.metadata(GET)).verdict is Verdict.ALLOW
    assert (await rights.metadata(replace(GET, name="x"))).verdict is Verdict.NO_OPINION


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"verb": "watch", "name": ""}, True),
        ({"verb": "list", "namespace": ""}, True),
        ({"verb": "patch"}, False),
        ({"verb": "deletecollection"}, False),
        ({"resource": "configmaps"}, False),
        ({"group": "example.com"}, False),
        ({"subresource": "metadata"}, False),
    ],
)
def test_only_reading_secrets_is_divided(change: dict[str, str], may: bool) -> None:
    assert divisible(replace(GET, **change)) is may  # type: ignore[arg-type]  # strings all


@pytest.mark.parametrize(
    ("held", "resource", "name", "included"),
    [
        (rule("secrets"), "secrets/metadata", None, True),
        (rule("secrets"), "secrets/metadata", "db", True),
        (rule("secrets"), "secrets/keys", "db/user", True),
        (rule("secrets", "db"), "secrets/metadata", "db", True),
        (rule("secrets", "db"), "secrets/keys", "db/user", True),
        (rule("secrets", "db"), "secrets/keys", "db/*", True),
        (rule("secrets", "db"), "secrets/keys", "db", False),
        (rule("secrets", "db"), "secrets/metadata", "db/user", False),
        (rule("secrets", "db"), "secrets/keys", None, False),
        (rule("secrets", "db"), "secrets/metadata", None, False),
        (rule("secrets", "db"), "secrets/keys", "dbb/user", False),
        (rule("secrets/keys", "db/*"), "secrets/keys", "db/user", True),
        (rule("secrets/keys", "db/*"), "secrets/keys", "other/user", False),
        (rule("secrets", "db", "db/*"), "secrets/keys", "db/user", True),
        (rule("secrets/keys", "db"), "secrets/keys", "db/user", False),
        (rule("secrets/metadata"), "secrets/keys", "db/user", False),
        (rule("secrets"), "secrets/other", None, False),
        (rule("configmaps"), "configmaps/keys", None, False),
    ],
)
def test_who_has_more_has_less(
    held: PolicyRule, resource: str, name: str | None, included: bool
) -> None:
    assert includes_part(held, resource, name) is included


VERBS = ("get", "list", "watch", "patch", "*")
RESOURCES = ("secrets", "secrets/keys", "secrets/metadata", "*/keys", "configmaps/keys")
NAMES = ("db", "db/*", "db/user", "db/password", "db/none", "other/user", "*", "/user", "db/")


def some_rule(random: Random) -> dict[str, Any]:
    """A rule as it stands in a role."""
    names = random.sample(NAMES, random.randint(0, 3))
    return {
        "verbs": random.sample(VERBS, random.randint(1, 2)),
        "apiGroups": random.choice(([""], [""], ["*"], ["apps"])),
        "resources": random.sample(RESOURCES, random.randint(1, 2)),
    } | ({"resourceNames": names} if names else {})


@pytest.mark.parametrize("seed", range(20))
async def test_what_is_shown_is_what_the_plain_evaluator_allows(seed: int) -> None:
    random = Random(seed)
    for _ in range(50):
        rules = [some_rule(random) for _ in range(random.randint(1, 3))]
        policies = roles(*(PolicyRule(**{"resourceNames": [], **tree}) for tree in rules))
        binding = {
            "roleRef": {"kind": "Role", "name": "role"},
            "subjects": [{"kind": "User", "name": "kay"}],
        }
        tree = {("Role", "ns", "role"): {"rules": rules}, ("RoleBinding", "ns", "b"): binding}
        wanted = replace(GET, verb=random.choice(("get", "list", "watch")))
        ask: dict[str, Any] = {"user": "kay", "groups": [], "namespace": "ns", "verb": wanted.verb}
        ask |= {"group": "", "resource": "secrets", "subresource": "keys", "path": ""}

        def allowed(name: str, ask: dict[str, Any] = ask, tree: Any = tree) -> bool:
            return evaluate(tree, ask | {"name": name})[0]

        expected = [key for key in KEYS if allowed("db/*") or allowed(f"db/{key}")]
        exists = any(allowed(name) for name in ("db/*", "db/none", "db/")) or bool(expected)
        for exhaustive in (True, False):
            union = chain(Elsewhere(), RBACAuthorizer(policies))
            right = await PartialRights(union, policies, exhaustive=exhaustive).keys(wanted)
            found = sorted(await right.shown(list(KEYS))) if right is not None else []
            assert found == expected, rules
            assert (right is not None and right.named) == exists, rules
