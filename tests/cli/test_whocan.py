"""`strongroom who-can` and `strongroom doctor rbac` beside kubectl, and wrong usage of them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.testing.process import Strongroom
from tests.parts import require_part

GROUP = "rbac.authorization.k8s.io"

ROBOT = {"kind": "ServiceAccount", "name": "robot", "namespace": "ci"}
DEFAULT = {"kind": "ServiceAccount", "name": "default", "namespace": "strong"}


def _role(name: str, verbs: str, resources: str, *names: str) -> dict[str, Any]:
    rule = {
        "apiGroups": ["", GROUP],
        "verbs": verbs.split(),
        "resources": resources.split(),
        "resourceNames": names,
    }
    meta = {"name": name, "namespace": "strong"}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": meta, "rules": [rule]}


def _binding(name: str, kind: str, role: str, *subjects: dict[str, str]) -> dict[str, Any]:
    meta = {"name": name} | ({"namespace": "strong"} if kind == "RoleBinding" else {})
    ref = {"apiGroup": GROUP, "kind": kind.removesuffix("Binding"), "name": role}
    made = {"kind": kind, "metadata": meta, "roleRef": ref, "subjects": subjects}
    return {"apiVersion": f"{GROUP}/v1", **made}


def _user(name: str) -> dict[str, str]:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


MADE = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strong"}},
    _role("reader", "get list", "secrets"),
    _role("named", "get", "secrets", "db"),
    _role("deployer", "create", "pods"),
    _role("half", "list", "roles rolebindings"),
    _binding("readers", "RoleBinding", "reader", _user("jane"), ROBOT),
    _binding("named", "RoleBinding", "named", _user("auditors") | {"kind": "Group"}),
    _binding("deployers", "RoleBinding", "deployer", _user("dev")),
    _binding("half", "RoleBinding", "half", _user("half")),
    _binding("oops", "ClusterRoleBinding", "cluster-admin", DEFAULT),
]


def run(api: Strongroom, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--kubeconfig", str(api.kubeconfig)])


@pytest.fixture(scope="module")
def bound(api: Strongroom) -> Strongroom:
    """The server with roles and bindings that kubectl made."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": MADE})
    _kubectl(api, "create", "-f", "-", given=text)
    return api


def _kubectl(api: Strongroom, *arguments: str, given: str = "") -> str:
    kubectl = [str(require_part("kubectl")), *arguments]
    done = subprocess.run(
        kubectl, env=api.environment(), capture_output=True, text=True, input=given
    )
    assert done.returncode == 0 or done.stdout == "no\n", done.stderr
    return done.stdout.strip()


def _subjects(told: list[dict[str, Any]]) -> list[str]:
    return [f"{one['subject']['kind']} {one['subject']['name']}" for one in told]


@pytest.mark.needs("kubectl")
def test_it_says_what_kubectl_says_and_by_what(bound: Strongroom) -> None:
    result = run(bound, "who-can", "get", "secret/db", "-n", "strong", "-o", "json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    direct = [one for one in told["direct"] if not one["builtIn"]]
    given = ["User jane", "Group auditors", "ServiceAccount robot", "ServiceAccount default"]
    assert sorted(_subjects(direct)) == sorted(given)
    (auditors,) = (one for one in direct if one["subject"]["name"] == "auditors")
    assert auditors["binding"] == {"kind": "RoleBinding", "name": "named", "namespace": "strong"}
    assert auditors["role"] == {"kind": "Role", "name": "named"}
    assert auditors["rule"]["resourceNames"] == ["db"]
    assert "Group system:masters" in _subjects([o for o in told["direct"] if o["builtIn"]])
    ways = [(one["subject"]["name"], one["way"], one["cis"]) for one in told["indirect"]]
    assert ("dev", "pods", "5.1.4") in ways
    for user, may in (("dev", "no"), ("system:serviceaccount:ci:robot", "yes")):
        asked = ("auth", "can-i", "get", "secret/db", "-n", "strong", "--as", user)
        assert _kubectl(bound, *asked) == may


@pytest.mark.needs("kubectl")
def test_the_text_is_short_and_a_check_knows_who_is_allowed(bound: Strongroom) -> None:
    question = ("who-can", "get", "secret/other", "-n", "strong", "--direct")
    text = run(bound, *question).stdout
    assert text.splitlines()[0] == "May get secret/other in namespace strong:"
    assert "User jane" in text
    assert "system:controller" not in text
    assert "As in every cluster: User system:kube-controller-manager" in text
    assert "auditors" not in text
    allowed = ["--allow", "user:jane", "--allow", "serviceaccount:strong/default"]
    result = run(bound, *question, "--check", *allowed)
    assert result.exit_code == 3
    assert result.stderr.strip() == "warning: not allowed, and may: ServiceAccount ci/robot"
    everybody = [*allowed, "--allow", "group:system:serviceaccounts:ci"]
    assert run(bound, *question, "--check", *everybody).exit_code == 0
    assert run(bound, *question, "--check", "--all", *everybody).exit_code == 3


@pytest.mark.needs("kubectl")
def test_who_may_not_see_bindings_is_not_told_that_all_is_well(bound: Strongroom) -> None:
    blind = run(bound, "who-can", "get", "secret/db", "-n", "strong", "--as", "jane")
    assert blind.exit_code == 1
    assert "you may not see who is bound to what" in blind.stderr
    half = ("--as", "half", "-n", "strong")
    listed = run(bound, "who-can", "get", "secret/db", *half, "--direct")
    assert listed.exit_code == 0
    assert "User jane" in listed.stdout
    assert "you may not list clusterrolebindings" in listed.stderr
    everybody = [
        f"--allow={who}" for who in ("user:jane", "group:auditors", "group:system:serviceaccounts")
    ]
    checked = run(bound, "who-can", "get", "secret/db", *half, "--direct", "--check", *everybody)
    assert checked.exit_code == 1
    assert "so others may as well" in checked.stderr
    assert run(bound, "doctor", "rbac", *half).exit_code == 1


@pytest.mark.needs("kubectl")
def test_the_doctor_finds_what_was_bound_and_nothing_of_upstreams(bound: Strongroom) -> None:
    result = run(bound, "doctor", "rbac", "-o", "json")
    assert result.exit_code == 3, result.output
    found = json.loads(result.stdout)["findings"]
    ours = [f for f in found if f["binding"]["name"] == "oops"]
    assert [(f["check"], f["severity"], f["cis"]) for f in ours] == [
        ("default-account", "high", "5.1.5"),
        ("everything", "high", "5.1.1"),
    ]
    assert not [f for f in found if f["binding"]["name"].startswith(("system:", "strongroom:"))]
    text = run(bound, "doctor", "rbac", "--severity", "low", "-n", "strong").stdout
    assert "LOW: all Secrets can be read (CIS 5.1.2, OWASP K03:2022 K08:2022)" in text
    assert "  - RoleBinding strong/readers gives Role reader to User jane" in text
    assert "oops" not in text
    excepted = [f"--except={f['binding']['name']}" for f in found]
    quiet = run(bound, "doctor", "rbac", *excepted, "--severity", "medium")
    assert quiet.exit_code == 0
    assert "Nothing found." in quiet.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["get", "pod/db"], "neither secret/NAME nor secrets"),
        (["get", "secret"], "which one?"),
        (["get", "secret/"], "neither secret/NAME nor secrets"),
        (["read", "secret/db"], "'read' is not one of"),
        (["get", "secret/db", "-A"], "-A asks about secrets"),
        (["get", "secrets", "--allow", "jane"], "say user:"),
        (["get", "secrets", "--allow", "serviceaccount:robot"], "say user:"),
    ],
)
def test_a_wrong_question_is_wrong_usage(arguments: list[str], why: str) -> None:
    result = CliRunner().invoke(main, ["who-can", *arguments, "-n", "x"])
    assert result.exit_code == 2
    assert why in result.stderr
