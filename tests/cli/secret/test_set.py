"""`strongroom secret set`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strongroom.cli.secret.change import Wanted, store
from strongroom.resources.secret import DOCKERCONFIGJSON, Secret
from tests.cli.secret.conftest import Room


def test_values_come_from_standard_input_files_and_generators(room: Room, tmp_path: Path) -> None:
    (tmp_path / "user").write_bytes(b"admin\n")
    told = room.done(
        "set",
        "db",
        "password=-",
        f"user=@{tmp_path}/user",
        "--generate",
        "token=hex:16",
        "--label",
        "app=shop",
        "--annotation",
        "note=n",
        input="hunter2\n",
    )
    stored = room.get("db")
    assert stored.data["password"] == b"hunter2"
    assert stored.data["user"] == b"admin\n"
    assert len(stored.data["token"]) == 32
    assert (stored.type, stored.metadata.labels) == ("Opaque", {"app": "shop"})
    assert stored.metadata.annotations == {"note": "n"}
    assert told.startswith(f"secret db created in namespace {room.namespace}\n")
    for value in stored.data.values():
        assert value.decode().strip() not in told


def test_only_what_is_named_changes(room: Room) -> None:
    room.create("db", a=b"1", b=b"2", c=b"3")
    room.done("set", "db", "--label", "keep=1", "--label", "go=1")
    told = room.done("set", "db", "a=-", "--remove", "b", "--label", "go-", input="new")
    lines = [line.split()[:3] for line in told.splitlines()[2:]]
    assert lines == [["a", "changed", "3"], ["b", "removed", "-"], ["c", "kept", "1"]]
    stored = room.get("db")
    assert stored.data == {"a": b"new", "c": b"3"}
    assert stored.metadata.labels == {"keep": "1"}
    again = json.loads(room.done("set", "db", "a=-", "-o", "json", input="new"))
    assert again["result"] == "unchanged"
    assert again["resourceVersion"] == stored.metadata.resourceVersion


@pytest.mark.parametrize(
    ("typed", "arguments", "stored"),
    [
        (b"one line\n", (), b"one line"),
        (b"one line\r\n", (), b"one line"),
        (b"one line\n", ("--raw",), b"one line\n"),
        (b"two\nlines\n", (), b"two\nlines\n"),
        (b"\x00\xff", (), b"\x00\xff"),
        (b"\n", ("--raw",), b"\n"),
    ],
)
def test_the_end_of_a_single_line_is_no_part_of_it(
    room: Room, typed: bytes, arguments: tuple[str, ...], stored: bytes
) -> None:
    room.done("set", "s", "k=-", *arguments, input=typed)
    assert room.get("s").data["k"] == stored


def test_a_prompt_asks_twice_and_shows_nothing(room: Room) -> None:
    told = room.run("set", "s", "k=?", input="hunter2\nhunter2\n")
    assert told.exit_code == 0
    assert "hunter2" not in told.output
    assert room.get("s").data["k"] == b"hunter2"
    differing = room.run("set", "s", "k=?", input="hunter2\nhunter3\n")
    assert differing.exit_code == 1
    assert room.get("s").data["k"] == b"hunter2"


@pytest.mark.parametrize("typed", ["", "\n", "\r\n"])
def test_a_program_that_failed_in_a_pipe_does_not_empty_a_key(room: Room, typed: str) -> None:
    room.create("s", k=b"kept")
    refused = room.run("set", "s", "k=-", input=typed)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: k: standard input is empty; ")
    assert room.get("s").data["k"] == b"kept"
    room.done("set", "s", "k=@/dev/null")
    assert room.get("s").data["k"] == b""


def test_where_there_is_no_terminal_nobody_is_asked() -> None:
    command = [sys.executable, "-m", "strongroom", "secret", "set", "s", "k=?"]
    told = subprocess.run(
        command,
        input="typed\ntyped\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "error: k: there is no terminal to ask on; use k=- or k=@FILE\n"


def test_a_value_in_the_arguments_is_refused_unless_forced(room: Room) -> None:
    refused = room.run("set", "s", "k=hunter2")
    assert refused.exit_code == 2
    assert "hunter2" not in refused.output
    assert "--generate k=password:32" in refused.stderr
    room.done("set", "s", "k=hunter2", "--allow-argv")
    assert room.get("s").data["k"] == b"hunter2"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to set"),
        (["hunter2"], "an argument has no '='"),
        (["a b=-"], "a key is not usable"),
        (["a=-", "b=-"], "only one key can be read from standard input"),
        (["a=-", "a=?"], "a is given twice"),
        (["a=@"], "a=@ names no file"),
        (["a=-", "--remove", "a"], "a is both set and removed"),
        (["--generate", "a=dice"], "--generate a: no generator 'dice'"),
        (["--generate", "password:32"], "expected KEY=KIND, such as password=password:32"),
        (["a=-", "--label", "x"], "--label: expected KEY=VALUE"),
        (["a=-", "--username", "me"], "need --registry HOST"),
        (["--registry", "h"], "--registry needs --username USER"),
        (["a=-", "--registry", "h", "--username", "u", "--password-stdin"], "is the password's"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(
    room: Room, arguments: list[str], told: str
) -> None:
    result = room.run("set", "s", *arguments, input="x")
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert "hunter2" not in result.output


def test_a_file_that_is_not_there(room: Room) -> None:
    result = room.run("set", "s", "a=@/nonexistent/file")
    assert result.exit_code == 1
    assert result.stderr == "error: a: cannot read /nonexistent/file: No such file or directory\n"


def test_a_file_of_lines(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("\n# comment\nA=1\n  B=x=y z\nC=\n")
    room.done("set", "s", "--from-env-file", str(path), "A=-", input="over")
    assert room.get("s").data == {"A": b"over", "B": b"x=y z", "C": b""}
    for text in ("hunter2\n", "A=1\nA=hunter2\n", "export A=hunter2\n"):
        path.write_text(text)
        result = room.run("set", "s", "--from-env-file", str(path))
        assert result.exit_code == 2
        assert "hunter2" not in result.output


def test_a_dry_run_stores_nothing_and_is_checked_by_the_server(room: Room) -> None:
    told = room.done("set", "s", "k=-", "--dry-run", input="x")
    assert told.startswith(f"secret s created in namespace {room.namespace} (dry run)\n")
    refused = room.run(
        "set", "s", "tls.crt=-", "--type", "kubernetes.io/tls", "--dry-run", input="x"
    )
    assert refused.exit_code == 1
    assert "data[tls.key]: Required value" in refused.stderr
    listing = room.done("list", "-o", "json")
    assert json.loads(listing) == {"secrets": []}


def test_an_immutable_secret_is_left_as_it_is(room: Room) -> None:
    room.done("set", "s", "k=-", "--immutable", input="x")
    refused = room.run("set", "s", "k=-", input="hunter2")
    assert refused.exit_code == 1
    assert "field is immutable when `immutable` is set" in refused.stderr
    assert "strongroom secret copy NAME --name NEW" in refused.stderr
    assert room.get("s").data == {"k": b"x"}


def test_credentials_of_registries_are_kept_side_by_side(room: Room) -> None:
    login = ("--username", "me", "--password-stdin")
    room.done("set", "pull", "--registry", "ghcr.io", *login, input="hunter2\n")
    told = room.done("set", "pull", "--registry", "r.example.com", *login, input="other")
    assert "hunter2" not in told
    stored = room.get("pull")
    assert stored.type == DOCKERCONFIGJSON
    auths = json.loads(stored.data[".dockerconfigjson"])["auths"]
    assert auths["ghcr.io"] == {
        "username": "me",
        "password": "hunter2",
        "auth": base64.b64encode(b"me:hunter2").decode(),
    }
    assert list(auths) == ["ghcr.io", "r.example.com"]
    room.done("set", "pull", "--remove-registry", "ghcr.io")
    left = json.loads(room.get("pull").data[".dockerconfigjson"])
    assert list(left["auths"]) == ["r.example.com"]
    unknown = room.run("set", "pull", "--remove-registry", "ghcr.io")
    assert unknown.exit_code == 1
    assert "there are: r.example.com" in unknown.stderr


def test_credentials_do_not_go_into_another_kind_of_secret(room: Room) -> None:
    room.create("db", a=b"1")
    login = ("--registry", "h", "--username", "me", "--password-stdin")
    result = room.run("set", "db", *login, input="x")
    assert result.exit_code == 1
    assert "is of type Opaque" in result.stderr


@pytest.mark.parametrize("there", [True, False])
def test_what_others_write_meanwhile_stays(room: Room, there: bool) -> None:
    if there:
        room.create("db", a=b"1")
    tries: list[bool] = []

    def wanted(old: Secret | None) -> Wanted:
        tries.append(old is not None)
        if len(tries) == 1:
            others = ("set", "db", "a=theirs", "b=theirs", "--allow-argv")
            with ThreadPoolExecutor() as elsewhere:
                elsewhere.submit(room.done, *others).result()
        return Wanted(data={"a": b"mine"})

    room.ask(lambda client: store(client, room.namespace, "db", wanted))
    assert tries == [there, True]
    assert room.get("db").data == {"a": b"mine", "b": b"theirs"}
