"""May they: rules, the default roles, the chain, and the words of a refusal."""

import functools

import pytest

from strongroom.access.authz.defaults import components, controllers, namespaced, own, people
from strongroom.access.authz.node import NodeAuthorizer
from strongroom.access.authz.node_graph import NodeGraph
from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Authorizer, Decision, Verdict
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.authz.union import (
    MastersAuthorizer,
    NamedAuthorizer,
    Tally,
    UnionAuthorizer,
    refusal,
)
from strongroom.access.user import Attributes, User
from strongroom.resources.rbac_rules import Rule

NODE = User("system:node:n1", groups=("system:nodes", "system:authenticated"))
SCHEDULER = User("system:kube-scheduler", groups=("system:authenticated",))
MANAGER = User("system:kube-controller-manager", groups=("system:authenticated",))
JANE = User("jane", groups=("system:authenticated",))
ADMIN = User("admin", groups=("system:masters",))
ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))
ACCOUNT = User("system:serviceaccount:x:a", groups=("system:serviceaccounts",))
JOINING = User("system:bootstrap:abcdef", groups=("system:bootstrappers",))
CERTIFICATES = "certificates.k8s.io"


@functools.cache
def defaults() -> Authorizer:
    """As the server decides at first: the default roles, and no pods."""
    policies = Policies()
    for part in (people, components, controllers, namespaced, own):
        for role in part.ROLES:
            policies.put_role(role.metadata.namespace, role.metadata.name, role.rules)
        for binding in part.BINDINGS:
            meta = binding.metadata
            policies.put_binding(meta.namespace, meta.name, binding.roleRef, binding.subjects)

    async def fresh() -> None:
        """There are no pods to wait for."""

    node = NodeAuthorizer(NodeGraph(), fresh)
    return chain(MastersAuthorizer(), node, RBACAuthorizer(policies))


def chain(*authorizers: Authorizer) -> UnionAuthorizer:
    """These authorizers in a chain; their names are a, b and so on."""
    names = "abcdefgh"
    return UnionAuthorizer(
        [NamedAuthorizer(*pair) for pair in zip(names, authorizers, strict=False)]
    )


def asks(
    user: User, verb: str, what: str, *, group: str = "", namespace: str = "", name: str = ""
) -> Attributes:
    if what.startswith("/"):
        return Attributes(user, verb, what)
    resource, _, subresource = what.partition("/")
    return Attributes(
        user,
        verb,
        "",
        is_resource=True,
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )


def test_deny_is_the_zero_value() -> None:
    assert Decision().verdict is Verdict.NO_OPINION
    assert Verdict(0) is Verdict.NO_OPINION
    assert not Rule().allows(asks(ADMIN, "get", "secrets"))


async def test_nobody_allows_means_refused() -> None:
    decision = await UnionAuthorizer([]).authorize(asks(ADMIN, "get", "secrets"))
    assert decision.verdict is not Verdict.ALLOW
    decision = await RBACAuthorizer(Policies()).authorize(asks(ADMIN, "get", "secrets"))
    assert decision.verdict is not Verdict.ALLOW


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        (asks(ADMIN, "deletecollection", "secrets", namespace="x"), True),
        (asks(ADMIN, "get", "/metrics"), True),
        (asks(JANE, "get", "secrets", namespace="x", name="s"), False),
        (asks(JANE, "list", "secrets"), False),
        (asks(JANE, "get", "/api"), True),
        (asks(JANE, "get", "/openapi/v3/api/v1"), True),
        (asks(JANE, "post", "/api"), False),
        (asks(JANE, "get", "/metrics"), False),
        (asks(ANONYMOUS, "get", "/readyz"), True),
        (asks(ANONYMOUS, "get", "/readyz/ping"), False),
        (asks(ANONYMOUS, "get", "/api"), False),
        (asks(ANONYMOUS, "get", "secrets", namespace="x", name="s"), False),
        (asks(NODE, "get", "secrets", namespace="x", name="s"), False),
        (asks(NODE, "create", "secrets", namespace="x"), False),
        (asks(User("system:kube-scheduler"), "list", "secrets"), False),
        (asks(User("system:kube-scheduler"), "list", "nodes"), True),
        (asks(NODE, "delete", "secrets", namespace="x", name="s"), False),
        (asks(NODE, "patch", "nodes/status", name="n1"), True),
        (asks(NODE, "delete", "nodes", name="n1"), False),
        (asks(NODE, "update", "pods/status", namespace="x", name="p"), True),
        (asks(NODE, "update", "pods", namespace="x", name="p"), False),
        (
            asks(
                NODE,
                "update",
                "leases",
                group="coordination.k8s.io",
                namespace="kube-node-lease",
                name="n1",
            ),
            True,
        ),
        (
            asks(
                NODE,
                "update",
                "leases",
                group="coordination.k8s.io",
                namespace="default",
                name="n1",
            ),
            False,
        ),
        (asks(NODE, "create", "events", namespace="x"), True),
        (asks(SCHEDULER, "create", "pods/binding", namespace="x", name="p"), True),
        (asks(SCHEDULER, "update", "pods", namespace="x", name="p"), False),
        (asks(SCHEDULER, "update", "secrets", namespace="x", name="p"), False),
        (asks(MANAGER, "delete", "secrets", namespace="x", name="s"), True),
        (asks(MANAGER, "deletecollection", "endpoints", namespace="x"), True),
        (asks(MANAGER, "create", "services", namespace="x", name="s"), False),
        (asks(MANAGER, "update", "pods", namespace="x", name="s"), False),
        (asks(MANAGER, "create", "serviceaccounts/token", namespace="x", name="s"), True),
        (asks(MANAGER, "watch", "crontabs", group="example.com"), True),
        (asks(MANAGER, "update", "namespaces/finalize", namespace="x", name="x"), True),
        (asks(MANAGER, "bind", "clusterroles", group="rbac.authorization.k8s.io"), False),
        (asks(ACCOUNT, "get", "/openid/v1/jwks"), True),
        (asks(JANE, "get", "/openid/v1/jwks"), False),
        (asks(JOINING, "create", "certificatesigningrequests", group=CERTIFICATES), True),
        (asks(JOINING, "get", "secrets", namespace="x", name="s"), False),
        (asks(ANONYMOUS, "get", "configmaps", namespace="kube-public", name="cluster-info"), True),
        (asks(ANONYMOUS, "list", "configmaps", namespace="kube-public"), False),
        (asks(User("system:node:n1", groups=("system:authenticated",)), "get", "secrets"), False),
    ],
)
async def test_decisions(attributes: Attributes, allowed: bool) -> None:
    decision = await defaults().authorize(attributes)
    assert (decision.verdict is Verdict.ALLOW) == allowed


@pytest.mark.parametrize(
    ("rule", "attributes", "allowed"),
    [
        (Rule(("*",), ("*",), ("*",)), asks(JANE, "get", "secrets/x"), True),
        (
            Rule(("get",), ("",), ("secrets",), names=("a",)),
            asks(JANE, "get", "secrets", name="a"),
            True,
        ),
        (
            Rule(("get",), ("",), ("secrets",), names=("a",)),
            asks(JANE, "get", "secrets", name="b"),
            False,
        ),
        (Rule(("list",), ("",), ("secrets",), names=("a",)), asks(JANE, "list", "secrets"), False),
        (Rule(("get",), ("",), ("pods",)), asks(JANE, "get", "pods/log"), False),
        (Rule(("get",), ("",), ("*/status",)), asks(JANE, "get", "pods/status"), True),
        (Rule(("get",), ("apps",), ("pods",)), asks(JANE, "get", "pods"), False),
        (Rule(("get",), paths=("/a/*",)), asks(JANE, "get", "/a/b"), True),
        (Rule(("get",), paths=("/a",)), asks(JANE, "get", "/a/b"), False),
    ],
)
def test_rules(rule: Rule, attributes: Attributes, allowed: bool) -> None:
    assert rule.allows(attributes) == allowed


class Says:
    """An authorizer with a fixed decision."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    async def authorize(self, attributes: Attributes) -> Decision:
        return self.decision


async def test_the_first_opinion_counts_and_reasons_are_kept() -> None:
    silent = Says(Decision(reason="not mine"))
    deny, allow = Says(Decision(Verdict.DENY, "never")), Says(Decision(Verdict.ALLOW))
    wanted = asks(JANE, "get", "secrets")
    assert await chain(silent, deny, allow).authorize(wanted) == deny.decision
    assert await chain(silent, allow, deny).authorize(wanted) == allow.decision
    both = await chain(silent, silent).authorize(wanted)
    assert both.reason == "a: not mine\nb: not mine"


async def test_what_went_wrong_is_told_where_nobody_decides() -> None:
    broken, other = Says(Decision(error="no answer")), Says(Decision(error="no other"))
    allow, deny = Says(Decision(Verdict.ALLOW)), Says(Decision(Verdict.DENY, error="worse"))
    wanted = asks(JANE, "get", "secrets")
    assert await chain(broken, broken).authorize(wanted) == Decision(error="no answer")
    assert (await chain(broken, other).authorize(wanted)).error == "[no answer, no other]"
    assert await chain(broken, allow).authorize(wanted) == allow.decision
    assert await chain(broken, deny).authorize(wanted) == deny.decision


async def test_who_ended_the_chain_is_counted() -> None:
    tallies = [Tally("Webhook", name) for name in ("one", "two")]
    deny, silent = Says(Decision(Verdict.DENY)), Says(Decision())
    union = UnionAuthorizer(
        [
            NamedAuthorizer(tally.name, authorizer, tally)
            for tally, authorizer in zip(tallies, (silent, deny), strict=True)
        ]
    )
    for _ in range(2):
        await union.authorize(asks(JANE, "get", "secrets"))
    assert [(tally.allowed, tally.denied) for tally in tallies] == [(0, 0), (0, 2)]


@pytest.mark.parametrize(
    ("attributes", "reason", "message"),
    [
        (
            asks(JANE, "get", "secrets", namespace="ns", name="n"),
            "",
            (
                'secrets "n" is forbidden: User "jane" cannot get resource "secrets" '
                'in API group "" in the namespace "ns"'
            ),
        ),
        (
            asks(JANE, "list", "leases", group="coordination.k8s.io"),
            "because",
            (
                'leases.coordination.k8s.io is forbidden: User "jane" cannot list '
                'resource "leases" in API group "coordination.k8s.io" at the cluster scope: because'
            ),
        ),
        (
            asks(JANE, "update", "pods/status", namespace="ns", name="p"),
            "",
            (
                'pods "p" is forbidden: User "jane" cannot update resource "pods/status" '
                'in API group "" in the namespace "ns"'
            ),
        ),
        (asks(JANE, "get", "/x"), "", 'forbidden: User "jane" cannot get path "/x"'),
        (asks(JANE, "get", "/<b>"), "", 'forbidden: User "jane" cannot get path "/&lt;b&gt;"'),
    ],
)
def test_refusal(attributes: Attributes, reason: str, message: str) -> None:
    error = refusal(attributes, reason)
    assert (error.code, error.reason, error.message) == (403, "Forbidden", message)
