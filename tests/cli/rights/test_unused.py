"""Rights that the log shows no use of: whose, which, and for how long that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from strongroom.api.meta import ManagedFieldsEntry, ObjectMeta
from strongroom.cli.rights.dangers import DANGERS
from strongroom.cli.rights.findings import Finding
from strongroom.cli.rights.held import grants_of, roles_of
from strongroom.cli.rights.unused import Usage
from strongroom.resources.clusterrole import ClusterRole
from strongroom.resources.clusterrolebinding import ClusterRoleBinding
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject
from tests.cli.rights.clusters import cluster
from tests.cli.rights.logs import NOW, history

BEGIN = "start list nothing at=2026-01-01T00:00:00.000000Z\n"
RBAC = "rbac.authorization.k8s.io"
_MONTH = timedelta(days=30)


def found(path: Path, roles: str, log: str, *, ours: bool = True) -> list[Finding]:
    usage = Usage(history(path, BEGIN + log, ours=ours), _MONTH, NOW)
    return usage.findings(cluster(roles).grants)


def told(path: Path, roles: str, log: str, *, ours: bool = True) -> list[str]:
    findings = found(path, roles, log, ours=ours)
    return [f"{','.join(map(str, f.subjects))}: {f.measured.text}" for f in findings if f.measured]


@pytest.mark.parametrize(
    ("rules", "log", "unused"),
    [
        ("get secrets", "", ["in 30d not used"]),
        ("get secrets", "jane get Shop/secrets db values=1", []),
        ("get secrets", "jane get Till/secrets db values=1", ["in 30d not used"]),
        ("get secrets", "joe get Shop/secrets db values=1", ["in 30d not used"]),
        ("get secrets", "boss get Shop/secrets db values=1 as=jane", []),
        ("get secrets", "jane get Shop/secrets db =403", ["in 30d not used"]),
        ("get,list secrets", "jane list Shop/secrets values=3", []),
        ("get,list secrets", "jane list Shop/secrets", ["in 30d no values were read"]),
        ("get,list secrets", "jane list Shop/secrets\njane get Shop/secrets db values=1", []),
        ("get pods", "", []),
        (
            "get secrets (a,b,c)",
            "jane get Shop/secrets b values=1",
            ["in 30d not used to read Secrets (a, c)"],
        ),
        (
            "get secrets/keys (a/x,b/y)",
            "jane get Shop/secrets b values=1 keys=y",
            ["in 30d not used to read Secrets (a)"],
        ),
        (
            "* secrets,pods",
            "jane list Shop/pods\njane get Shop/secrets a values=1",
            ["in 30d not used to write Secrets, run pods"],
        ),
        (
            "create,get pods,deployments.apps",
            "jane get Shop/pods p",
            ["in 30d not used to run pods"],
        ),
        ("create pods/exec", "jane create Shop/pods/exec p", []),
        (f"bind,create roles.{RBAC}", "", ["in 30d not used"]),
        (f"bind,create rolebindings,roles.{RBAC}", f"jane create Shop/rolebindings.{RBAC}", []),
        ("impersonate serviceaccounts", "jane list p as=system:serviceaccount:shop:bot", []),
    ],
)
def test_what_was_not_used_of_a_role(
    rules: str, log: str, unused: list[str], tmp_path: Path
) -> None:
    roles = f"ClusterRole x: {rules}\nBind shop/b: ClusterRole x to User jane"
    assert told(tmp_path, roles, log) == [f"User jane: {text}" for text in unused]


def test_groups_and_accounts_are_found_in_events(tmp_path: Path) -> None:
    roles = """
        ClusterRole x: list secrets
        Bind a: ClusterRole x to Group ops, Group dev, ServiceAccount shop/bot, ServiceAccount s/old
        default ClusterRole cluster-admin: * *.*
        default Bind cluster-admin: ClusterRole cluster-admin to Group system:masters
    """
    log = """
        jane+ops list Shop/secrets values=1
        system:serviceaccount:shop:bot list secrets values=1
    """
    assert told(tmp_path, roles, log) == [
        "Group dev,ServiceAccount s/old: in 30d not used",
    ]


def test_of_another_server_no_read_is_taken_for_one_of_metadata(tmp_path: Path) -> None:
    roles = "ClusterRole x: list secrets\nBind shop/b: ClusterRole x to User jane"
    assert told(tmp_path, roles, "jane list Shop/secrets", ours=False) == []


def test_nothing_is_claimed_for_longer_than_it_is_known(tmp_path: Path) -> None:
    roles = "ClusterRole x: list secrets\nBind shop/b: ClusterRole x to User jane"
    short = history(tmp_path, "jane get Shop/pods p at=2026-02-26T00:00:00.000000Z")
    (finding,) = Usage(short, _MONTH, NOW).findings(cluster(roles).grants)
    assert finding.severity == "low"
    assert finding.measured
    assert finding.measured.text == "in 3d not used (the log reaches no further back)"
    assert finding.facts()["unusedSeconds"] == 3 * 24 * 3600
    assert finding.facts()["asLongAsAsked"] is False
    (grant,) = cluster(roles).grants
    young = replace(grant, changed="2026-02-28T12:00:00Z")
    whole = history(tmp_path, BEGIN)
    (finding,) = Usage(whole, _MONTH, NOW).findings([young])
    assert finding.measured
    assert finding.measured.text == "in 12h not used (the binding or its role is no older)"
    assert finding.severity == "low"


def test_a_binding_is_as_old_as_the_last_change_of_it_or_its_role() -> None:
    def meta(name: str, *times: str) -> ObjectMeta:
        changes = [ManagedFieldsEntry(time=time) for time in times[1:]]
        return ObjectMeta(name=name, creationTimestamp=times[0], managedFields=changes)

    january, february, march = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))
    roles = [
        ClusterRole(metadata=meta("old", january), rules=[PolicyRule()]),
        ClusterRole(metadata=meta("new", january, march, february), rules=[PolicyRule()]),
    ]
    subject = Subject(kind="User", name="jane")
    bindings = [
        ClusterRoleBinding(
            metadata=meta("b", january, february),
            subjects=[subject],
            roleRef=RoleRef(kind="ClusterRole", name=role),
        )
        for role in ("old", "new")
    ]
    grants = grants_of(bindings, roles_of([], roles))
    assert [grant.changed for grant in grants] == [february, march]


def test_every_danger_has_numbers_and_can_be_held_and_used() -> None:
    assert len({danger.key for danger in DANGERS}) == len(DANGERS)
    (grant,) = cluster("ClusterRole a: * *.*\nBind a: ClusterRole a to User jane").grants
    for danger in DANGERS:
        assert str(danger.numbers).startswith(("CIS 5.1.", "OWASP K0"))
        assert danger.held(grant)
        assert danger.keys


def test_usage_tells_numbers_to_programs(tmp_path: Path) -> None:
    roles = "ClusterRole x: * *.*\nBind b: ClusterRole x to User jane"
    (finding,) = found(tmp_path, roles, "jane list pods\njane list secrets values=9")
    facts = finding.facts()
    assert (facts["check"], facts["severity"], facts["cis"]) == ("unused", "medium", "5.1.2")
    assert facts["unused"][0] == {
        "right": "write-secrets",
        "cis": "5.1.2",
        "owasp": "K03:2022 K08:2022",
    }
    assert [one["right"] for one in facts["unused"]] == [
        danger.key for danger in DANGERS if danger.key != "read-secrets"
    ]
    assert facts["nothingUsed"] is False
