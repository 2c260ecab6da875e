"""Who may do what with a Secret: every way, of small clusters, and against the other evaluator."""

from __future__ import annotations

import random
from typing import Any

import pytest

from strongroom.access.authz.policies import Policies
from strongroom.api import codec
from strongroom.cli.rights.answers import who_can
from strongroom.cli.rights.facts import Facts
from strongroom.cli.rights.held import Whom, grants_of, roles_of
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.role import Role
from strongroom.resources.rolebinding import RoleBinding
from tests.access.evaluator import Cluster, evaluate
from tests.access.test_rbac import NAMES, USERS, change
from tests.cli.rights.clusters import cluster

KINDS = {made.__name__: made for made in (Role, ClusterRole, RoleBinding, ClusterRoleBinding)}
READER = "Role shop/reader: get secrets\nBind shop/r: Role reader to User jane, Group ops\n"
ROBOT = "Role shop/reader: get secrets\nBind shop/r: Role reader to ServiceAccount ci/robot\n"


WORDS = {
    ".RBAC": ".rbac.authorization.k8s.io",
    ".CERT": ".certificates.k8s.io",
    "CSRS": "certificatesigningrequests",
    "CLIENTS": "kubernetes.io/kube-apiserver-client",
}


def direct(text: str, verb: str, name: str = "db", namespace: str = "shop") -> list[str]:
    answer = who_can(cluster(text), verb, namespace, name)
    return [f"{path.whom} by {path.through}" for path in answer.direct]


def ways(text: str, verb: str = "get", name: str = "db", namespace: str = "shop") -> list[str]:
    for short, long in WORDS.items():
        text = text.replace(short, long)
    found = who_can(cluster(text), verb, namespace, name).indirect
    return [f"{p.whom}: {p.way.key}{' ' if p.targets else ''}{', '.join(p.targets)}" for p in found]


@pytest.mark.parametrize(
    ("rule", "verb", "name", "may"),
    [
        ("get secrets", "get", "db", True),
        ("get secrets", "list", "db", False),
        ("get secrets (db)", "get", "db", True),
        ("get secrets (other)", "get", "db", False),
        ("list secrets (db)", "list", "db", True),
        ("get secrets (other)", "get", "", True),
        ("* *", "delete", "db", True),
        ("get *.*", "get", "db", True),
        ("get secrets.apps", "get", "db", False),
        ("get secrets/status", "get", "db", False),
        ("get /secrets", "get", "db", False),
    ],
)
def test_a_rule_gives_what_it_says_and_no_more(rule: str, verb: str, name: str, may: bool) -> None:
    text = f"Role shop/r: {rule}\nBind shop/b: Role r to User jane"
    assert bool(direct(text, verb, name)) is may


def test_bindings_hold_where_they_are() -> None:
    text = """
        ClusterRole reader: get secrets
        Bind everywhere: ClusterRole reader to Group ops
        Bind shop/here: ClusterRole reader to User jane, User system:serviceaccount:ci:robot
        Bind bank/there: ClusterRole reader to User joe
        Bind shop/lost: Role reader to User lost
    """
    assert direct(text, "get") == [
        "User jane by RoleBinding shop/here",
        "Group ops by ClusterRoleBinding everywhere",
        "ServiceAccount ci/robot by RoleBinding shop/here",
    ]
    everywhere = direct(text, "get", "", "")
    assert everywhere[1:3] == [
        "User joe by RoleBinding bank/there",
        "Group ops by ClusterRoleBinding everywhere",
    ]
    assert len(everywhere) == 4


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("list secrets", ["answer"]),
        ("patch secrets (db)", ["answer"]),
        ("patch secrets (other)", []),
        ("update secrets", []),
        ("list secretrevisions.strongroom.io", ["history"]),
        ("get secrets/keys (db/user,other/x,db/pw)", ["keys user, pw"]),
        ("watch secrets/keys (db/*)", ["keys any"]),
        ("list */keys", ["keys any"]),
        ("get secrets/keys (db,other/x)", []),
        ("patch secrets/keys (db/user)", []),
        ("get secrets/metadata", []),
        ("create pods", ["pods"]),
        ("create pods (app)", []),
        ("get,list,delete pods", []),
        ("patch deployments.apps (web)", ["controllers"]),
        ("create jobs.batch", ["controllers"]),
        ("delete deployments.apps", []),
        ("create pods/exec", ["exec Pod app"]),
        ("get pods/attach (app)", ["exec Pod app"]),
        ("patch pods/ephemeralcontainers", ["exec Pod app"]),
        ("create pods/exec (other)", []),
        ("create pods/portforward", []),
        ("impersonate users (jane)", []),
        ("impersonate groups", []),
        ("create nodes/proxy", []),
        ("update mutatingwebhookconfigurations.admissionregistration.k8s.io", []),
    ],
)
def test_ways_that_a_role_of_the_namespace_opens(rules: str, found: list[str]) -> None:
    text = f"{READER}Role shop/x: {rules}\nBind shop/x: Role x to User eve\nPod shop/app on -: db"
    assert ways(text) == [f"User eve: {way}" for way in found]


def test_who_may_read_keys_of_any_secret() -> None:
    text = "Role shop/x: get secrets/keys (db/user,a/*)\nBind shop/x: Role x to User eve"
    assert ways(text, name="") == ["User eve: keys db/user, a/any"]
    assert ways(f"{READER}{text.replace('eve', 'jane')}", name="") == []


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("impersonate users", ["impersonate User jane"]),
        ("impersonate users (jane,joe)", ["impersonate User jane"]),
        ("impersonate users (joe)", []),
        ("impersonate groups", []),
        (
            "impersonate users (joe); impersonate groups",
            ["impersonate Group ops, Group system:masters"],
        ),
        ("create nodes/proxy", ["nodes-proxy Node n1"]),
        ("get nodes/proxy (n2)", []),
        ("create validatingwebhookconfigurations.admissionregistration.k8s.io", ["webhooks"]),
        ("escalate roles.RBAC", []),
        ("escalate,update roles.RBAC", ["escalate"]),
        ("escalate,patch clusterroles.RBAC", ["escalate"]),
        ("bind,create clusterroles.RBAC", []),
        (
            "bind clusterroles.RBAC; create rolebindings.RBAC",
            ["bind"],
        ),
        (
            "bind roles.RBAC (reader); create rolebindings.RBAC",
            ["bind Role reader"],
        ),
        (
            "bind roles.RBAC (harmless); create rolebindings.RBAC",
            [],
        ),
        (
            "update CSRS/approval.CERT; create CSRS.CERT; approve signers.CERT (CLIENTS)",
            ["csr"],
        ),
        ("update CSRS/approval.CERT", []),
    ],
)
def test_ways_that_a_role_of_the_cluster_opens(rules: str, found: list[str]) -> None:
    text = f"{READER}ClusterRole x: {rules}\nBind x: ClusterRole x to User eve\n"
    text += "Pod shop/app on n1: db"
    told = [way for way in ways(text) if way != "User system:node:n1: node Pod shop/app"]
    assert told == [f"User eve: {way}" for way in found]


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ("create serviceaccounts/token", ["token ServiceAccount ci/robot"]),
        ("create serviceaccounts/token (robot)", ["token ServiceAccount ci/robot"]),
        ("create serviceaccounts/token (other)", []),
        ("impersonate serviceaccounts", ["impersonate ServiceAccount ci/robot"]),
        ("create pods", ["pods-as ServiceAccount ci/robot"]),
        ("create statefulsets.apps", ["pods-as ServiceAccount ci/robot"]),
    ],
)
def test_ways_over_an_account_that_may(rules: str, found: list[str]) -> None:
    text = f"{ROBOT}Role ci/x: {rules}\nBind ci/x: Role x to User eve"
    assert ways(text) == [f"User eve: {way}" for way in found]
    assert ways(text.replace("ci/x", "bank/x")) == []


def test_an_account_may_be_meant_by_the_group_of_its_namespace() -> None:
    text = """
        Role shop/reader: get secrets
        Bind shop/r: Role reader to Group system:serviceaccounts:ci
        Role ci/x: create serviceaccounts/token (any)
        Bind ci/x: Role x to User eve
    """
    assert ways(text) == ["User eve: token ServiceAccounts of ci"]


def test_nodes_and_pods_count_as_long_as_they_use_it() -> None:
    text = READER + "Pod shop/app on n1: db\nPod shop/app2 on n1: db,x\nPod bank/app on n2: db"
    assert ways(text) == ["User system:node:n1: node Pod shop/app, Pod shop/app2"]
    assert ways(text, name="x") == ["User system:node:n1: node Pod shop/app2"]
    assert ways(text, verb="delete") == []


def test_who_may_anyway_is_not_told_again_unless_limited_to_some() -> None:
    text = """
        Role shop/x: get secrets (db); create pods
        Bind shop/x: Role x to User eve
    """
    assert ways(text) == []
    assert ways(text, name="other") == ["User eve: pods"]
    assert ways(text, name="") == ["User eve: pods"]


def test_a_verb_that_changes_is_come_to_by_becoming_others_only() -> None:
    text = """
        Role shop/x: delete secrets
        Bind shop/x: Role x to ServiceAccount shop/robot
        Role shop/y: create pods,pods/exec
        Bind shop/y: Role y to User eve
        Pod shop/app on n1: db
    """
    assert ways(text, "delete") == ["User eve: pods-as ServiceAccount shop/robot"]


@pytest.mark.parametrize(
    ("binding", "own"),
    [
        ("default Bind b: ClusterRole system:x to User system:kube-scheduler", True),
        ("default Bind b: ClusterRole system:x to ServiceAccount kube-system/c", True),
        ("default Bind b: ClusterRole system:x to Group system:masters", True),
        ("Bind b: ClusterRole system:x to User system:kube-scheduler", False),
        ("default Bind b: ClusterRole system:x to User jane", False),
        ("default Bind b: ClusterRole system:x to Group system:nodes", False),
        ("default Bind b: ClusterRole system:x to ServiceAccount kube-system/default", False),
        ("default Bind b: ClusterRole system:x to ServiceAccount shop/c", False),
        ("default Bind b: ClusterRole mine to ServiceAccount kube-system/c", False),
    ],
)
def test_a_label_alone_hides_nobody(binding: str, own: bool) -> None:
    roles = [f"default ClusterRole {name}: get secrets" for name in ("system:x", "mine")]
    text = "\n".join([*roles, binding])
    (path,) = who_can(cluster(text), "get", "shop", "db").direct
    assert path.built_in is own


def facts_of(trees: Cluster) -> Facts:
    """The facts of the other evaluator's cluster."""
    made: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for (kind, namespace, name), tree in trees.items():
        obj = codec.from_tree(tree, KINDS[kind])
        obj.metadata.name, obj.metadata.namespace = name, namespace
        made[kind].append(obj)
    known = roles_of(made["Role"], made["ClusterRole"])
    bindings = [*made["RoleBinding"], *made["ClusterRoleBinding"]]
    return Facts(known, list(grants_of(bindings, known)))


@pytest.mark.parametrize("seed", range(3))
def test_generated_clusters_are_judged_as_the_plain_evaluator_judges_them(seed: int) -> None:
    rng = random.Random(seed)
    trees: Cluster = {}
    allowed = refused = 0
    for _ in range(100):
        for _ in range(4):
            change(rng, trees, Policies())
        verb, name = rng.choice(("get", "list", "delete")), rng.choice(NAMES)
        told = {path.whom for path in who_can(facts_of(trees), verb, "shop", name).direct}
        what = {"verb": verb, "path": "", "group": "", "resource": "secrets", "subresource": ""}
        for user in (*USERS, "nobody"):
            ask = what | {"user": user, "groups": (), "namespace": "shop", "name": name}
            expected, _ = evaluate(trees, ask)
            where, _, account = user.removeprefix("system:serviceaccount:").rpartition(":")
            whom = Whom("ServiceAccount", account, where) if where else Whom("User", user)
            assert (whom in told) is expected, (ask, trees)
            allowed += expected
            refused += not expected
    assert min(allowed, refused) > 20


def test_what_is_shared_is_used_by_pods_elsewhere() -> None:
    text = """
        Role front/deployer: create pods
        Bind front/deployers: Role deployer to User jane
        Role back/deployer: create deployments.apps
        Bind back/deployers: Role deployer to User joe
        Share shop/grant with front: db,tls
        Share shop/other with back: other
        Share bank/grant with back: db
    """
    assert ways(text) == ["User jane: shared Namespace front"]
    assert ways(text, name="") == [
        "User jane: shared Namespace front",
        "User joe: shared Namespace back",
    ]
    assert ways(text, "delete") == []
