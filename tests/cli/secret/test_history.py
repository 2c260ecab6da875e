"""history, diff, rollback, undelete: the past of Secrets, from a real API server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from strongroom.cli.main import main
from strongroom.cli.secret.past import NO_HISTORY, change_between
from strongroom.client.client import Client
from strongroom.resources.secret import BASIC_AUTH, SECRETS, Secret
from strongroom.resources.strongroom_annotations import HISTORY
from tests.cli.secret.conftest import Room

HUSH = "hunter2"


def change(room: Room, name: str, **data: bytes | None) -> Secret:
    """Change keys of a Secret by the API itself."""
    encoded = {k: None if v is None else base64.b64encode(v).decode() for k, v in data.items()}
    return room.ask(lambda client: client.patch(SECRETS, name, room.namespace, {"data": encoded}))


def delete(room: Room, name: str) -> None:
    room.ask(lambda client: client.delete(SECRETS, name, room.namespace))


def numbers(room: Room, name: str) -> list[int]:
    """The revisions of a Secret, the newest first."""
    facts = json.loads(room.done("history", name, "-o", "json"))
    return [state["revision"] for state in facts["revisions"]]


@pytest.fixture
def db(room: Room) -> Room:
    """A Secret that was changed twice."""
    room.create("db", user=b"admin", password=HUSH.encode())
    change(room, "db", password=b"second")
    change(room, "db", user=None, host=b"h")
    return room


def test_history_is_told_by_keys(db: Room) -> None:
    told = db.done("history", "db")
    head, *rows = [re.split(" {3,}", line) for line in told.splitlines()]
    assert head == ["REVISION", "WRITTEN", "BY", "HOW", "KEYS"]
    newest, middle, oldest = numbers(db, "db")
    assert [row[0] for row in rows] == [f"{newest} (current)", str(middle), str(oldest)]
    assert [row[2:] for row in rows] == [
        ["kubernetes-admin", "patch", "added host; removed user"],
        ["kubernetes-admin", "patch", "changed password"],
        ["-", "-", "has password, user"],
    ]
    assert HUSH not in told
    assert str(newest) == db.get("db").metadata.resourceVersion


def test_history_as_facts(db: Room) -> None:
    facts = yaml.safe_load(db.done("history", "db", "-o", "yaml"))
    assert facts["namespace"] == db.namespace
    now, middle, oldest = facts["revisions"]
    assert (now["current"], middle["current"]) == (True, False)
    assert (now["added"], now["changed"], now["removed"]) == (["host"], [], ["user"])
    assert "added" not in oldest
    prints = [{key["key"]: key["fingerprint"] for key in s["keys"]} for s in facts["revisions"]]
    assert prints[0]["password"] == prints[1]["password"] != prints[2]["password"]


def test_a_deleted_secret_has_a_past_and_comes_back(db: Room) -> None:
    before = db.get("db")
    delete(db, "db")
    told = db.done("history", "db")
    assert told.startswith("secret db was deleted ")
    assert "by kubernetes-admin" in told.splitlines()[0]
    told = db.done("history")
    assert [line.split()[:4] for line in told.splitlines()] == [
        ["NAME", "TYPE", "STATE", "REVISIONS"],
        ["db", "Opaque", "deleted", "3"],
    ]
    refused = db.run("rollback", "db")
    assert refused.exit_code == 1
    assert "strongroom secret undelete db" in refused.stderr
    assert "(dry run)" in db.done("undelete", "db", "--dry-run")
    told = db.done("undelete", "db")
    assert told.startswith(f"secret db created in namespace {db.namespace} from revision ")
    again = db.get("db")
    assert (again.data, again.type) == (before.data, before.type)
    assert again.metadata.uid != before.metadata.uid
    refused = db.run("undelete", "db")
    assert (refused.exit_code, "is there" in refused.stderr) == (1, True)
    (first, *_) = json.loads(db.done("history", "db", "-o", "json"))["revisions"]
    assert (first["current"], first["how"], first["changed"]) == (True, "create", [])


def test_undelete_brings_labels_type_and_an_earlier_state(room: Room) -> None:
    secret = Secret(type=BASIC_AUTH, data={"password": b"one"}, immutable=True)
    secret.metadata.name = "login"
    secret.metadata.labels = {"app": "shop"}
    secret.metadata.annotations = {"team": "a"}
    room.ask(lambda client: client.create(SECRETS, secret, room.namespace))
    delete(room, "login")
    (only,) = numbers(room, "login")
    room.done("undelete", "login", "--revision", f"login.{only}")
    again = room.get("login")
    assert (again.type, again.data, again.immutable) == (BASIC_AUTH, {"password": b"one"}, True)
    assert (again.metadata.labels, again.metadata.annotations) == ({"app": "shop"}, {"team": "a"})


def test_diff(db: Room) -> None:
    newest, middle, oldest = numbers(db, "db")
    told = db.done("diff", "db")
    assert told.splitlines()[0] == f"secret db: revision {middle} → {newest} (current)"
    assert [line.split()[:2] for line in told.splitlines()[2:]] == [
        ["host", "added"],
        ["user", "removed"],
    ]
    told = db.done("diff", "db", str(oldest), str(middle))
    assert told.splitlines()[2].split()[:5] == ["password", "changed", "7", "→", "6"]
    assert HUSH not in told
    facts = json.loads(db.done("diff", "db", str(oldest), "-o", "json"))
    assert (facts["old"], facts["new"]) == (oldest, newest)
    assert {key["key"]: key["state"] for key in facts["keys"]} == {
        "host": "added",
        "password": "changed",
        "user": "removed",
    }
    assert "base64" not in json.dumps(facts)
    assert db.done("diff", "db", str(middle), str(middle)).endswith("all values are the same\n")


def test_diff_shows_the_values_that_are_asked_for(db: Room) -> None:
    oldest = str(numbers(db, "db")[-1])
    told = db.done("diff", "db", oldest, "--reveal", "password")
    assert told.splitlines()[-2:] == [f"-{HUSH}", "+second"]
    assert "admin" not in told
    facts = json.loads(db.done("diff", "db", oldest, "--reveal", "password", "-o", "json"))
    shown = {key["key"]: key.get("old", {}).get("base64") for key in facts["keys"]}
    assert shown == {
        "host": None,
        "password": base64.b64encode(HUSH.encode()).decode(),
        "user": None,
    }
    same = db.done("diff", "db", "--reveal", "password")
    assert same.endswith("password, line by line the same in both:\n second\n")
    refused = db.run("diff", "db", oldest, "--reveal", "nothing")
    assert (refused.exit_code, "no" in refused.stderr) == (1, True)
    change(db, "db", password=b"\x00\xff")
    refused = db.run("diff", "db", "--reveal", "password")
    assert "not text" in refused.stderr


def test_rollback_and_back_again(db: Room) -> None:
    newest, _, oldest = numbers(db, "db")
    assert "(dry run)" in db.done("rollback", "db", "--dry-run")
    assert db.get("db").data == {"host": b"h", "password": b"second"}
    told = db.done("rollback", "db")
    assert told.splitlines()[0].startswith("secret db changed in namespace ")
    assert db.get("db").data == {"user": b"admin", "password": b"second"}
    db.done("rollback", "db", "--to", str(oldest))
    assert db.get("db").data == {"user": b"admin", "password": HUSH.encode()}
    db.done("rollback", "db", "--to", str(newest))
    assert db.get("db").data == {"host": b"h", "password": b"second"}
    assert " unchanged " in db.done("rollback", "db", "--to", str(newest))


@pytest.mark.parametrize("command", ["rollback", "diff", "undelete"])
def test_a_revision_that_is_not_kept(db: Room, command: str) -> None:
    option = {"rollback": ["--to", "1"], "diff": ["1"], "undelete": ["--revision", "1"]}[command]
    if command == "undelete":
        delete(db, "db")
    refused = db.run(command, "db", *option)
    assert refused.exit_code == 1
    assert "revision 1 of secret db is not kept" in refused.stderr
    assert "strongroom secret history db" in refused.stderr


def test_an_immutable_secret_is_not_rolled_back(db: Room) -> None:
    immutable = {"immutable": True}
    db.ask(lambda client: client.patch(SECRETS, "db", db.namespace, immutable))
    refused = db.run("rollback", "db")
    assert refused.exit_code == 1
    assert "secret db is immutable" in refused.stderr
    middle = numbers(db, "db")[1]
    assert f"strongroom secret undelete db --revision {middle}" in refused.stderr
    delete(db, "db")
    db.done("undelete", "db", "--revision", str(middle))
    assert db.get("db").data == {"user": b"admin", "password": b"second"}


def test_another_type_is_not_rolled_back_to(room: Room) -> None:
    room.create("db", BASIC_AUTH, password=b"one")
    delete(room, "db")
    room.create("db", password=b"two")
    refused = room.run("rollback", "db")
    assert refused.exit_code == 1
    assert "type of a Secret cannot be changed" in refused.stderr
    told = room.done("diff", "db")
    assert f"type {BASIC_AUTH} → Opaque" in told
    assert f"type {BASIC_AUTH} became Opaque; changed password" in room.done("history", "db")


def test_nothing_to_go_back_to(room: Room) -> None:
    room.create("db", password=b"one")
    assert "nothing else is kept" in room.run("rollback", "db").stderr
    assert "nothing is kept of secret db before" in room.run("diff", "db").stderr
    assert room.run("history").stderr.startswith("No Secret of namespace ")
    refused = room.run("undelete", "never")
    assert refused.exit_code == 1
    assert "there is no secret never" in refused.stderr


def test_nothing_is_kept_of_who_says_no(db: Room) -> None:
    body = {"metadata": {"annotations": {HISTORY: "off"}}}
    db.ask(lambda client: client.patch(SECRETS, "db", db.namespace, body))
    assert len(numbers(db, "db")) == 1


def test_who_may_not_read_the_past_is_told_what_it_takes(db: Room) -> None:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{db.namespace}"

    async def bind(client: Client) -> None:
        for plural, tree in (("roles", body), ("rolebindings", binding)):
            await client.request("POST", f"{path}/{plural}", body=json.dumps(tree).encode())

    db.ask(bind)
    assert db.done("show", "db", "--as", "jane")
    refused = db.run("history", "db", "--as", "jane")
    assert refused.exit_code == 1
    assert "secretrevisions.strongroom.io is forbidden" in refused.stderr
    assert "rights of its own" in refused.stderr


def test_changes_by_key() -> None:
    change = change_between({"a": b"1", "b": b"2", "c": b"3"}, {"b": b"2", "c": b"4", "d": b"5"})
    assert str(change) == "added d; changed c; removed a"
    assert not change_between({"a": b"1"}, {"a": b"1"})


class Plain(BaseHTTPRequestHandler):
    """An API server that has Secrets and no kinds of strongroom's."""

    def do_GET(self) -> None:
        code: int = 404
        tree: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "code": 404}
        tree |= {"status": "Failure", "reason": "NotFound", "message": "404 page not found"}
        if self.path.startswith("/api/v1/namespaces/default/secrets"):
            code, meta = 200, {"name": "db", "namespace": "default", "resourceVersion": "7"}
            tree = {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "data": {}}
            if self.path.endswith("secrets"):
                tree = {"kind": "Table", "columnDefinitions": [{"name": "Type"}, {"name": "Data"}]}
                tree["rows"] = []
        body = json.dumps(tree).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: the test looks at what the command says."""


@pytest.fixture
def elsewhere(tmp_path: Any) -> Iterator[str]:
    """A kubeconfig for a cluster of another make."""
    server = HTTPServer(("127.0.0.1", 0), Plain)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        ],
        "users": [{"name": "u", "user": {}}],
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    yield str(path)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("arguments", [["history", "db"], ["history"], ["undelete", "db"]])
def test_a_cluster_that_keeps_no_history(elsewhere: str, arguments: list[str]) -> None:
    words = ["secret", *arguments, "--kubeconfig", elsewhere]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert NO_HISTORY in result.stderr
