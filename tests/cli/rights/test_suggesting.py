"""What is suggested allows what was done, and no more: asked of the authorizer that decides."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Verdict
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.user import Attributes, User
from strongroom.api import codec
from strongroom.cli.rights.held import Whom
from strongroom.cli.rights.suggesting import everybodys, suggest
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject
from tests.cli.rights.clusters import cluster
from tests.cli.rights.logs import history, uses

VERBS = ("get", "list", "watch", "create", "patch", "delete")
THINGS = ("secrets", "pods", "pods/log", "deployments.apps", "serviceaccounts/token")
NAMES = ("a", "b", "c")
PLACES = ("Shop", "Till", "")
PATHS = ("/metrics", "/logs")
NAMED = ("secrets", "secrets/metadata", "serviceaccounts/token")
EVERYBODY = """
    default ClusterRole system:basic-user: create selfsubjectaccessreviews.authorization.k8s.io
    default Bind system:basic-user: ClusterRole system:basic-user to Group system:authenticated
"""


def rules_of(path: Path, log: str, *, ours: bool = True, whom: str = "jane") -> list[str]:
    """The suggested rules, each in a line."""
    told = history(path, log, ours=ours)
    facts = cluster(EVERYBODY)
    subject = Whom("User", whom)
    made = suggest(subject, uses(told, whom), everybodys(facts.grants, subject))
    lines = []
    for role in made.objects:
        for rule in role.get("rules", ()):
            where = role["metadata"].get("namespace", "*")
            what = rule.get("nonResourceURLs") or [
                f"{resource}.{group}".strip(".")
                for group in rule["apiGroups"]
                for resource in rule["resources"]
            ]
            names = f" ({','.join(rule['resourceNames'])})" if "resourceNames" in rule else ""
            lines.append(f"{where}: {','.join(rule['verbs'])} {','.join(what)}{names}")
    return lines


@pytest.mark.parametrize(
    ("log", "rules"),
    [
        (
            "jane get Shop/secrets b values=1\njane get Shop/secrets a values=1",
            ["shop: get secrets (a,b)"],
        ),
        (
            "jane get Shop/secrets a values=1\njane list Shop/secrets",
            ["shop: list secrets/metadata", "shop: get secrets (a)"],
        ),
        ("jane list Shop/secrets values=1\njane list Shop/secrets", ["shop: list secrets"]),
        ("jane list secrets values=1\njane list Shop/secrets values=1", ["*: list secrets"]),
        ("jane list secrets values=1\njane list Shop/secrets", ["*: list secrets"]),
        ("jane get Shop/secrets a values=1 keys=x,y", ["shop: get secrets/keys (a/x,a/y)"]),
        (
            "jane get Shop/secrets a =404\njane list Shop/secrets",
            ["shop: list secrets/metadata", "shop: get secrets/metadata (a)"],
        ),
        ("jane get Shop/secrets a =404", ["shop: get secrets (a)"]),
        (
            "jane get Shop/pods p\njane get Shop/services s\njane list Shop/pods",
            ["shop: get services", "shop: get,list pods"],
        ),
        ("jane get Shop/pods p\njane get Shop/services s", ["shop: get pods,services"]),
        ("jane create Shop/deployments.apps d =201", ["shop: create deployments.apps"]),
        ("jane get /metrics\njane get /logs", ["*: get /logs,/metrics"]),
        ("jane create selfsubjectaccessreviews.authorization.k8s.io =201", []),
        ("jane list pods as=joe", ["*: impersonate users (joe)"]),
        ("jane get Shop/secrets a =403", []),
    ],
)  # fmt: skip - a table
def test_the_least_rules(log: str, rules: list[str], tmp_path: Path) -> None:
    assert sorted(rules_of(tmp_path, log)) == sorted(rules)


def test_where_the_log_does_not_tell_what_was_shown_the_right_is_to_all_of_it(
    tmp_path: Path,
) -> None:
    log = "jane list Shop/secrets\njane get Shop/secrets a"
    told = rules_of(tmp_path, log, ours=False)
    assert sorted(told) == ["shop: get secrets (a)", "shop: list secrets"]


def test_an_account_and_a_group_are_bound_as_such(tmp_path: Path) -> None:
    told = history(tmp_path, "system:serviceaccount:ci:bot get Shop/secrets a values=1")
    done = uses(told, "system:serviceaccount:ci:bot")
    role, binding = suggest(Whom("ServiceAccount", "bot", "ci"), done, []).objects
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "bot", "namespace": "ci"}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "ci:bot-as-used"
    group = suggest(Whom("Group", "a/b%c"), done, []).objects
    assert group[1]["subjects"][0]["kind"] == "Group"
    assert group[0]["metadata"]["name"] == "a-b-c-as-used"


def test_what_the_log_cannot_tell_is_said(tmp_path: Path) -> None:
    told = history(tmp_path, "jane create Shop/rolebindings.rbac.authorization.k8s.io b =201")
    (note,) = suggest(Whom("User", "jane"), uses(told, "jane"), []).notes
    assert note.endswith("not given: bind clusterroles, bind roles")


Asked = tuple[str, str, str, str]
"""Verb, place, thing and name; a path has no place and no name."""


def done(rng: random.Random) -> tuple[str, Asked]:
    """A line of a log, and the question whose answer it needed."""
    if rng.random() < 0.1:
        path = rng.choice(PATHS)
        return f"jane get {path}", ("get", "", path, "")
    verb, place, thing = rng.choice(VERBS), rng.choice(PLACES), rng.choice(THINGS)
    name = rng.choice(NAMES) if verb in ("get", "patch", "delete") or "token" in thing else ""
    values = rng.choice(("", "values=1")) if thing == "secrets" else ""
    where = f"{place}/{thing}" if place else thing
    reads = thing == "secrets" and verb in ("get", "list", "watch")
    asked = "secrets/metadata" if reads and not values else thing
    return f"jane {verb} {where} {name} {values}", (verb, place.lower(), asked, name)


def expected(question: Asked, given: set[Asked]) -> bool:
    """Whether something that was done needed at least this, written down plainly."""
    verb, place, thing, name = question
    for did, where, what, called in given:
        there = where in ("", place)
        so_called = what not in NAMED or called in ("", name)
        if did == verb and what == thing and there and so_called:
            return True
    return False


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_suggested_allows_what_was_done_and_no_more(
    seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    lines = [done(rng) for _ in range(rng.choice((3, 12, 40)))]
    told = history(tmp_path, "\n".join(line for line, _ in lines))
    given = {question for _, question in lines}
    made = suggest(Whom("User", "jane"), uses(told, "jane"), [])
    authorizer = RBACAuthorizer(_applied(made.objects))
    places = [place.lower() for place in PLACES]
    things = (*THINGS, "secrets/metadata", "configmaps")
    questions = set(itertools.product(VERBS, places, things, ("", *NAMES)))
    questions |= {("get", "", path, "") for path in (*PATHS, "/other")}
    for question in sorted(questions):
        decision = await authorizer.authorize(_attributes(question))
        whole = (question[0], question[1], "secrets", question[3])
        if question[2] == "secrets/metadata" and expected(whole, given):
            continue  # Whoever may read a Secret needs no right to its metadata.
        may = expected(question, given)
        assert (decision.verdict is Verdict.ALLOW) == may, question


def _attributes(question: Asked) -> Attributes:
    verb, place, thing, name = question
    if thing.startswith("/"):
        return Attributes(User("jane"), verb, thing)
    full, _, group = thing.partition(".")
    resource, _, subresource = full.partition("/")
    return Attributes(
        User("jane"), verb, "", True, group, "v1", resource, subresource, place, name
    )  # fmt: skip - as a call


def _applied(objects: list[dict[str, Any]]) -> Policies:
    policies = Policies()
    for made in objects:
        place = made["metadata"].get("namespace", ""), made["metadata"]["name"]
        if "rules" in made:
            rules = [codec.from_tree(rule, PolicyRule) for rule in made["rules"]]
            policies.put_role(*place, rules)
        else:
            subjects = [codec.from_tree(one, Subject) for one in made["subjects"]]
            policies.put_binding(*place, codec.from_tree(made["roleRef"], RoleRef), subjects)
    return policies
