"""`strongroom secret show`."""

from __future__ import annotations

import json
import os
import pty
import sys

import pytest

from strongroom.cli.main import main
from tests.cli.secret.conftest import Room


def test_keys_are_shown_with_everything_but_the_value(room: Room) -> None:
    room.create("db", a=b"hunter2", b=b"hunter2", c=b"other", d=b"")
    room.done("set", "db", "--label", "app=shop", "--annotation", "note=n\x1b[2J")
    text = room.done("show", "db")
    assert "hunter2" not in text
    assert f"name        db in namespace {room.namespace}\n" in text
    assert "label       app=shop\nannotation  note=n?[2J\n" in text
    told = json.loads(room.done("show", "db", "-o", "json"))
    a, b, c, d = told["keys"]
    assert a["fingerprint"] == b["fingerprint"] != c["fingerprint"]
    assert (a["key"], a["bytes"], a["is"], d["is"]) == ("a", 7, "text", "empty")


def test_one_value_is_given_as_it_is_to_who_asks_for_it(room: Room) -> None:
    room.create("db", a=b"\x00\xffhunter2\n")
    shown = room.run("show", "db", "--reveal", "a")
    assert (shown.exit_code, shown.stdout_bytes, shown.stderr) == (0, b"\x00\xffhunter2\n", "")
    missing = room.run("show", "db", "--reveal", "b")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == "error: secret db has no key b; there are: a\n"
    for more in (["--reveal", "b"], ["-o", "json"]):
        wrong = room.run("show", "db", "--reveal", "a", *more)
        assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_a_terminal_is_warned_and_shown_text_only(
    room: Room, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    room.create("db", a=b"hunter2", raw=b"\x1b[2J")
    assert on_terminal(room, monkeypatch, "a") == (0, b"hunter2\r\n")
    assert capfd.readouterr().err == ("warning: a is shown on a terminal, which may remember it\n")
    assert on_terminal(room, monkeypatch, "raw") == (1, b"")
    assert "--reveal raw > FILE" in capfd.readouterr().err


def on_terminal(room: Room, monkeypatch: pytest.MonkeyPatch, key: str) -> tuple[object, bytes]:
    """The exit code, and what a terminal shows when it is standard output."""
    ours, theirs = pty.openpty()
    where = ["--kubeconfig", str(room.api.kubeconfig), "-n", room.namespace]
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        with pytest.raises(SystemExit) as ended:
            main(["secret", "show", "db", "--reveal", key, *where])
        os.set_blocking(ours, False)
        try:
            shown = os.read(ours, 1000)
        except BlockingIOError:
            shown = b""
    os.close(ours)
    return ended.value.code, shown


def test_what_is_not_there(room: Room) -> None:
    result = room.run("show", "nothing")
    assert result.exit_code == 1
    assert result.stderr == (
        'error: secrets "nothing" not found\n'
        f"See what there is: strongroom secret list -n {room.namespace}\n"
    )
