"""`doctor rbac` against the audit log of a real server, and what it suggests, applied."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from strongroom.api.errors import StatusError
from strongroom.cli.main import main
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.testing.process import Strongroom

GROUP = "rbac.authorization.k8s.io"
RBAC = f"/apis/{GROUP}/v1"
MINE = "/api/v1/namespaces/measured"
ROBOT = "system:serviceaccount:measured:robot"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
JSON = "application/json"

Asked = tuple[str, str, Any, str]
"""Method, path, body and form of the answer."""

DONE: list[Asked] = [
    ("GET", f"{MINE}/secrets/db", None, JSON),
    ("GET", f"{MINE}/secrets", None, TABLE),
    ("GET", f"{MINE}/secrets?fieldSelector=metadata.name%3Dcache", None, JSON),
    ("POST", f"{MINE}/configmaps?dryRun=All", {"metadata": {"name": "c"}}, JSON),
    ("GET", "/api/v1/nodes", None, JSON),
    ("GET", "/logs", None, JSON),
    ("GET", "/api", None, JSON),
]
NOT_DONE: list[Asked] = [
    ("GET", f"{MINE}/secrets/cache", None, JSON),
    ("GET", f"{MINE}/secrets", None, JSON),
    ("GET", "/api/v1/namespaces/default/secrets", None, TABLE),
    ("DELETE", f"{MINE}/secrets/db?dryRun=All", None, JSON),
    ("GET", f"{MINE}/configmaps", None, JSON),
    ("GET", "/api/v1/nodes/n", None, JSON),
    ("GET", "/logs/x", None, JSON),
]


def codes(api: Strongroom, user: str, requests: Sequence[Asked]) -> list[int]:
    """How requests of somebody were answered; as the administrator for no user."""

    async def ask() -> list[int]:
        config = load_config(api.kubeconfig)
        found = []
        async with Client(config.impersonating(user, ()) if user else config) as client:
            for method, path, tree, form in requests:
                body = None if tree is None else json.dumps(tree).encode()
                try:
                    done = await client.request(method, path, body=body, accept=form)
                except StatusError as error:
                    found.append(error.code)
                else:
                    found.append(done.status)
        return found

    return asyncio.run(ask())


def _binding(name: str, kind: str, subject: str) -> dict[str, Any]:
    namespace, _, account = subject.rpartition("/")
    who = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    who = who if namespace else {"kind": "User", "apiGroup": GROUP, "name": subject}
    ref = {"apiGroup": GROUP, "kind": "ClusterRole", "name": kind}
    return {"metadata": {"name": name}, "roleRef": ref, "subjects": [who]}


def _run(api: Strongroom, *arguments: str) -> Result:
    told = CliRunner().invoke(
        main, ["doctor", "rbac", "--kubeconfig", str(api.kubeconfig), *arguments]
    )
    assert told.exit_code in (0, 3), told.output
    return told


@pytest.fixture(scope="module")
def used(api: Strongroom) -> Iterator[Strongroom]:
    """The server with accounts that may everything, one of which did a few things."""
    secrets = [{"metadata": {"name": name}, "data": {"key": "dmFs"}} for name in ("db", "cache")]
    made: list[Asked] = [
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "measured"}}, JSON),
        *(("POST", f"{MINE}/secrets", secret, JSON) for secret in secrets),
        *(
            ("POST", f"{RBAC}/clusterrolebindings", _binding(name, "cluster-admin", who), JSON)
            for name, who in (("measured-robot", "measured/robot"), ("measured-idle", "idler"))
        ),
    ]
    assert set(codes(api, "", made)) == {201}
    assert codes(api, ROBOT, DONE) == [200, 200, 200, 201, 200, 404, 200]
    log = api.kubeconfig.parent / "audit" / "audit.log"
    end = time.monotonic() + 60
    while not any(ROBOT in line and '"/api"' in line for line in log.read_text().splitlines()):
        assert time.monotonic() < end
        time.sleep(0.05)
    yield api
    # Others ask this server who may what.
    named = ("measured-robot", "measured-idle", "measured:robot-as-used")
    codes(api, "", [("DELETE", f"{RBAC}/clusterrolebindings/{n}", None, JSON) for n in named])
    codes(api, "", [("DELETE", "/api/v1/namespaces/measured", None, JSON)])


def test_what_was_not_used_is_found_and_for_no_longer_than_is_known(used: Strongroom) -> None:
    result = _run(used, "--unused-for", "30d", "--severity", "low", "-o", "json")
    findings = json.loads(result.stdout)["findings"]
    unused = {f["binding"]["name"]: f for f in findings if f["check"] == "unused"}
    robot, idle = unused["measured-robot"], unused["measured-idle"]
    assert not any(f["check"] == "unused" and f["severity"] != "low" for f in findings)
    assert idle["nothingUsed"] is True
    assert idle["asLongAsAsked"] is False
    assert idle["unusedSeconds"] < 24 * 3600
    rights = [one["right"] for one in robot["unused"]]
    assert robot["nothingUsed"] is False
    assert "read-secrets" not in rights
    assert {"write-secrets", "escalate", "impersonate", "exec"} <= set(rights)
    text = _run(used, "--audit-log", str(_log(used)), "--severity", "low").stdout
    assert "gives ClusterRole cluster-admin to User idler: in " in text
    assert "the binding or its role is no older" in text or "reaches no further back" in text


def test_the_suggested_roles_allow_what_was_done_and_no_more(used: Strongroom) -> None:
    text = _run(used, "--suggest", "measured:robot").stdout
    objects = list(yaml.safe_load_all(text))
    assert [made["kind"] for made in objects] == [
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ]
    listed = json.loads(_run(used, "--suggest", "measured:robot", "-o", "json").stdout)
    assert (listed["kind"], listed["items"]) == ("List", objects)
    own = _run(used, "--suggest", "measured:robot", "-n", "measured").stdout
    assert list(yaml.safe_load_all(own)) == objects[2:]
    for made in objects:
        kind = f"{made['kind'].lower()}s"
        namespace = made["metadata"].get("namespace")
        path = f"{RBAC}/namespaces/{namespace}/{kind}" if namespace else f"{RBAC}/{kind}"
        assert codes(used, "", [("POST", path, made, JSON)]) == [201]
    before = codes(used, ROBOT, [*DONE, *NOT_DONE])
    assert 403 not in before
    path = f"{RBAC}/clusterrolebindings/measured-robot"
    assert codes(used, "", [("DELETE", path, None, JSON)]) == [200]
    assert codes(used, ROBOT, DONE) == before[: len(DONE)]
    assert set(codes(used, ROBOT, NOT_DONE)) == {403}


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--unused-for", "soon"], 2, "expected a duration"),
        (["--suggest", "nobody-known"], 1, "that User nobody-known did"),
        (["--suggest", "system:node:n1"], 1, "by the Node authorizer"),
        (["--unused-for", "1d", "--context", "default"], 1, "which audit log"),
        (["--audit-log", "/nonexistent/audit.log"], 1, "there is no audit log"),
    ],
)
def test_what_cannot_be_answered(
    used: Strongroom, arguments: list[str], code: int, why: str
) -> None:
    command = ["doctor", "rbac", "--kubeconfig", str(used.kubeconfig), *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == code, result.output
    assert why in result.stderr


def _log(api: Strongroom) -> Path:
    return api.kubeconfig.parent / "audit" / "audit.log"
