"""Being somebody else without the right to be."""

from __future__ import annotations

import pytest

from tests.attack.attacker import Headers
from tests.attack.conftest import RBAC, Target

USER, GROUP = "Impersonate-User", "Impersonate-Group"


@pytest.fixture(scope="session", autouse=True)
def _limited(target: Target) -> None:
    """Ivy may be jane, in the group dev, with the scope view, and nothing else."""
    rules = [
        {"apiGroups": [""], "resources": ["users"], "resourceNames": ["jane"]},
        {"apiGroups": [""], "resources": ["groups"], "resourceNames": ["dev"]},
        {
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["userextras/scope"],
            "resourceNames": ["view"],
        },
        {"apiGroups": ["authentication.k8s.io"], "resources": ["uids"], "resourceNames": ["7"]},
    ]
    target.make(
        f"{RBAC}/clusterroles",
        {"metadata": {"name": "ivy"}, "rules": [r | {"verbs": ["impersonate"]} for r in rules]},
    )
    group = "rbac.authorization.k8s.io"
    target.make(
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": "ivy"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "ivy"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "ivy"}],
        },
    )


JANE = (USER, "jane")
ALLOWED: list[Headers] = [
    [JANE],
    [JANE, (GROUP, "dev")],
    [("iMPERSONATE-uSER", "jane"), ("IMPERSONATE-EXTRA-SCOPE", "view")],
    [JANE, ("Impersonate-Uid", "7")],
    [JANE, ("Impersonate-Extra-s%63ope", "view")],
]
REFUSED: dict[str, Headers] = {
    "another user": [(USER, "root")],
    "the server itself": [(USER, "system:apiserver")],
    "an account": [(USER, "system:serviceaccount:kube-system:default")],
    "the masters": [JANE, (GROUP, "system:masters")],
    "the masters behind others": [JANE, (GROUP, "dev"), (GROUP, "system:masters")],
    "the masters before others": [JANE, (GROUP, "system:masters"), (GROUP, "dev")],
    "the masters in another case": [JANE, ("IMPERSONATE-group", "system:masters")],
    "groups in one header": [JANE, (GROUP, "dev, system:masters")],
    "another uid": [JANE, ("Impersonate-Uid", "8")],
    "another value": [JANE, ("Impersonate-Extra-Scope", "edit")],
    "another value behind a good one": [
        JANE,
        ("Impersonate-Extra-Scope", "view"),
        ("impersonate-extra-scope", "edit"),
    ],
    "another key": [JANE, ("Impersonate-Extra-Scopes", "view")],
    "another key, encoded": [JANE, ("Impersonate-Extra-%61dmin", "view")],
    "a key that is half encoded": [JANE, ("Impersonate-Extra-s%63ope%", "view")],
    "a key with a slash": [JANE, ("Impersonate-Extra-scope%2fstatus", "view")],
    "a name that is not UTF-8": [(USER, b"j\xe4ne")],
    "a group that is not UTF-8": [JANE, (GROUP, b"\xff\xfe")],
    "white space is no name of theirs": [(USER, "jane\u00a0")],
    "another letter that looks alike": [(USER, "j\u0430ne")],
}
MALFORMED: dict[str, Headers] = {
    "a group without a user": [(GROUP, "system:masters")],
    "a uid without a user": [("Impersonate-Uid", "7")],
    "an empty user and a group": [(USER, ""), (GROUP, "dev")],
}


@pytest.mark.parametrize("headers", ALLOWED)
def test_what_was_granted_works(target: Target, headers: Headers) -> None:
    assert target.user("ivy").who(headers)["username"] == "jane"


@pytest.mark.parametrize("case", REFUSED)
def test_what_was_not_granted_is_refused(target: Target, case: str) -> None:
    answer = target.user("ivy").ask("GET", "/version", headers=REFUSED[case])
    assert answer.code == 403, answer.body


@pytest.mark.parametrize("case", MALFORMED)
def test_what_means_nobody_is_refused(target: Target, case: str) -> None:
    for who in (target.user("ivy"), target.admin):
        assert who.ask("GET", "/version", headers=MALFORMED[case]).code == 400


def test_of_two_users_the_first_is_meant(target: Target) -> None:
    """As upstream: what was checked is what is served, whatever else was said."""
    both = [JANE, (USER, "root")]
    assert target.user("ivy").who(both)["username"] == "jane"
    assert target.user("ivy").ask("GET", "/api/v1/secrets", headers=both).code == 403
    assert target.user("ivy").ask("GET", "/version", headers=both[::-1]).code == 403


def test_who_may_be_nobody_else_is_told_so(target: Target) -> None:
    for headers in ([JANE], [JANE, (GROUP, "dev")], [(USER, "mallory")]):
        assert target.mallory.ask("GET", "/version", headers=headers).code == 403
    anonymous = target.nobody.ask("GET", "/version", headers=[(USER, "root")])
    assert anonymous.code in (401, 403)


def test_rights_are_those_of_who_is_impersonated(target: Target) -> None:
    as_mallory = [(USER, "mallory")]
    assert (
        target.admin.ask("GET", "/api/v1/namespaces/team-m/secrets", headers=as_mallory).code == 200
    )
    assert (
        target.admin.ask("GET", "/api/v1/namespaces/team-a/secrets", headers=as_mallory).code == 403
    )
    # Not even with the right to be others: it is not theirs any more.
    chain = [(USER, "ivy"), (USER, "root")]
    assert target.admin.who(chain)["username"] == "ivy"
