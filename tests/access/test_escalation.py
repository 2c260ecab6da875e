"""Which rights somebody lacks who would give them, in upstream's words."""

from __future__ import annotations

import pytest

from strongroom.access.authz.escalation import EVERYTHING, escalation, uncovered
from strongroom.access.authz.policies import Policies
from strongroom.access.user import User
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject

JANE = User("jane", groups=("dev", "system:authenticated"))


def on(verbs: str, resources: str, groups: str = "core", names: str = "") -> PolicyRule:
    return PolicyRule(
        verbs=verbs.split(),
        apiGroups=["" if group == "core" else group for group in groups.split()],
        resources=resources.split(),
        resourceNames=names.split(),
    )


def at(verbs: str, paths: str) -> PolicyRule:
    return PolicyRule(verbs=verbs.split(), nonResourceURLs=paths.split())


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        ([on("get", "pods")], on("get", "pods"), True),
        ([on("get list", "pods secrets")], on("list", "secrets"), True),
        ([on("get", "pods"), on("list", "pods")], on("get list", "pods"), True),
        ([on("get", "pods")], on("get list", "pods"), False),
        ([on("get", "pods")], on("get", "pods", "apps"), False),
        ([on("get", "pods")], on("*", "pods"), False),
        ([on("*", "*", "*")], on("get", "pods/log", "x.example"), True),
        ([on("get", "pods")], on("get", "pods/log"), False),
        ([on("get", "*/log")], on("get", "pods/log"), True),
        ([on("get", "pods", names="a")], on("get", "pods"), False),
        ([on("get", "pods", names="a b")], on("get", "pods", names="b"), True),
        ([on("get", "pods", names="a")], on("get", "pods", names="a b"), False),
        ([on("get", "pods")], on("get", "pods", names="a"), True),
        ([on("*", "*", "*")], at("get", "/metrics"), False),
        ([at("get", "/metrics")], at("get", "/metrics"), True),
        ([at("get", "/api*")], at("get", "/apis/x"), True),
        ([at("get", "/api/*")], at("get", "/api*"), False),
        ([at("*", "*")], at("post", "/anything/*"), True),
    ],
)
def test_what_is_covered(held: list[PolicyRule], wanted: PolicyRule, covered: bool) -> None:
    assert (uncovered(held, [wanted]) == []) is covered


def test_upstream_s_words() -> None:
    policies = Policies()
    policies.put_role("", "reader", [on("get", "pods")])
    jane = Subject(kind="User", name="jane")
    policies.put_binding("shop", "r", RoleRef(kind="ClusterRole", name="reader"), [jane])
    assert escalation(policies, JANE, "shop", [on("get", "pods")]) is None
    wanted = [on("get list watch", "pods"), on("get", "secrets", names="a"), at("get", "/x")]
    assert escalation(policies, JANE, "shop", wanted) == (
        'user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC '
        "permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}\n'
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}\n'
        '{NonResourceURLs:["/x"], Verbs:["get"]}'
    )
    policies.drop_role("", "reader")
    text = escalation(policies, JANE, "shop", [on("get", "pods")])
    assert text is not None
    assert text.endswith(
        '; resolution errors: [clusterrole.rbac.authorization.k8s.io "reader" not found]'
    )


def test_everything_is_covered_by_nothing_less() -> None:
    policies = Policies()
    group = Subject(kind="Group", name="dev")
    policies.put_role("", "most", [on("*", "*", "*")])
    policies.put_binding("", "m", RoleRef(kind="ClusterRole", name="most"), [group])
    assert escalation(policies, JANE, "", EVERYTHING) is not None
    policies.put_role("", "most", list(EVERYTHING))
    assert escalation(policies, JANE, "", EVERYTHING) is None


def test_a_rule_of_very_many_rights_is_judged_as_a_whole() -> None:
    # Taken apart it is 10^13 rights, which nobody lives to see counted.
    many = ([f"{kind}{number}" for number in range(2000)] for kind in "vgrn")
    verbs, groups, resources, names = many
    wide = PolicyRule(verbs=verbs, apiGroups=groups, resources=resources, resourceNames=names)
    assert uncovered([on("get", "pods")], [wide]) == [wide]
    assert uncovered([on("*", "*", "*")], [wide]) == []
    paths = PolicyRule(verbs=verbs, nonResourceURLs=[f"/{name}" for name in names])
    assert uncovered([at("*", "/nothing"), at("get", "*")], [paths]) == [paths]
    assert uncovered([at("*", "/nothing"), at("*", "*")], [paths]) == []
    # A rule behind it is still judged right by right.
    behind = on("get list", "pods")
    assert uncovered([on("get", "pods"), on("list", "pods")], [wide, behind]) == [wide]
