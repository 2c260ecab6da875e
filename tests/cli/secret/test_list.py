"""`strongroom secret list`."""

from __future__ import annotations

import json

from click.testing import CliRunner

from strongroom.cli.main import main
from strongroom.resources.rbac import CLUSTER_ROLE, GROUP, USER, RoleRef, Subject
from strongroom.resources.rolebinding import ROLE_BINDINGS, RoleBinding
from strongroom.resources.secret import BASIC_AUTH
from tests.cli.secret.conftest import Room


def test_what_there_is_is_told_without_a_value(room: Room) -> None:
    room.create("db", user=b"admin", password=b"hunter2")
    room.create("login", BASIC_AUTH, username=b"me")
    lines = room.done("list").splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["NAME", "TYPE", "KEYS"],
        ["db", "Opaque", "2"],
        ["login", "kubernetes.io/basic-auth", "1"],
    ]
    assert [line.split()[0] for line in room.done("list", "--type", BASIC_AUTH).splitlines()] == [
        "NAME",
        "login",
    ]


def test_keys_and_sizes_where_they_are_asked_for(room: Room) -> None:
    room.create("db", user=b"admin", password=b"hunter2")
    text = room.done("list", "--keys")
    assert text.endswith("password 7, user 5\n")
    told = json.loads(room.done("list", "--keys", "-o", "json"))
    (secret,) = told["secrets"]
    assert secret.pop("created") == secret.pop("changed")
    assert secret.pop("conditions") == []
    assert secret == {
        "namespace": room.namespace,
        "name": "db",
        "type": "Opaque",
        "keys": 2,
        "sizes": {"password": 7, "user": 5},
    }


def test_a_right_to_metadata_is_enough(room: Room) -> None:
    room.create("db", user=b"admin", password=b"hunter2")
    role = RoleRef(GROUP, CLUSTER_ROLE, "strongroom:secret-metadata-viewer")
    binding = RoleBinding(subjects=[Subject(kind=USER, name="meg")], roleRef=role)
    binding.metadata.name = "meg"
    room.ask(lambda client: client.create(ROLE_BINDINGS, binding, room.namespace))
    told = room.done("list", "--as", "meg").splitlines()
    assert [line.split()[:3] for line in told][1:] == [["db", "Opaque", "2"]]
    refused = room.run("list", "--keys", "--as", "meg")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "only secrets/metadata is allowed" in refused.stderr


def test_of_all_namespaces(room: Room) -> None:
    room.create("db", user=b"admin")
    lines = room.done("list", "-A").splitlines()
    assert lines[0].startswith("NAMESPACE")
    assert any(line.split()[:2] == [room.namespace, "db"] for line in lines)


def test_nothing_there_is_said_beside_the_output(room: Room) -> None:
    result = room.run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "strongroom secret set NAME KEY=-" in result.stderr


def test_what_the_server_refuses_is_one_line_and_a_failure(room: Room) -> None:
    result = room.run("list", "-l", "a=b=c")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_a_missing_kubeconfig_is_told() -> None:
    result = CliRunner().invoke(main, ["secret", "list", "--kubeconfig", "/nonexistent/config"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == ("error: cannot read /nonexistent/config: No such file or directory\n")


def test_a_group_needs_a_user(room: Room) -> None:
    result = room.run("list", "--as-group", "people")
    assert result.exit_code == 2
    assert "--as-group needs --as" in result.stderr
