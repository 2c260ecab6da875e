"""`strongroom secret edit`, with scripts for editors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strongroom.cli.secret import editor
from strongroom.cli.secret.memory import memory_directory
from tests.cli.secret.conftest import Room


class Editors:
    """Editors by what they do, in shell; ``$1`` is the file. Each call of one is counted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *scripts: str) -> dict[str, str]:
        """An environment whose editor does one script after the other, then nothing."""
        path = self.directory / "editor"
        cases = "".join(f"{i}) {script};;\n" for i, script in enumerate(scripts))
        path.write_text(
            f"#!/bin/sh\nn=$(cat {self.directory}/n 2>/dev/null || echo 0)\n"
            f"echo $((n + 1)) > {self.directory}/n\n"
            f'cp "$1" {self.directory}/shown.$n\necho "$1" > {self.directory}/path\n'
            f"case $n in\n{cases}esac\n"
        )
        path.chmod(0o700)
        return {"KUBE_EDITOR": str(path)}

    def shown(self, number: int) -> str:
        """The text that the editor was given at this call."""
        return (self.directory / f"shown.{number}").read_text()

    @property
    def calls(self) -> int:
        return int((self.directory / "n").read_text())

    @property
    def path(self) -> Path:
        return Path((self.directory / "path").read_text().strip())


@pytest.fixture
def editors(tmp_path: Path) -> Editors:
    return Editors(tmp_path)


def test_values_are_decoded_and_only_what_is_changed_is_written(
    room: Room, editors: Editors
) -> None:
    room.create("db", user=b"admin", password=b"hunter2", blob=b"\xff")
    env = editors("sed -i 's/hunter2/hunter3/; /user/d' $1; echo 'labels: {app: shop}' >> $1")
    told = room.done("edit", "db", env=env)
    assert "  password: hunter2\n" in editors.shown(0)
    assert "  blob: !!binary |\n    /w==\n" in editors.shown(0)
    stored = room.get("db")
    assert stored.data == {"password": b"hunter3", "blob": b"\xff"}
    assert stored.metadata.labels == {"app": "shop"}
    assert "hunter" not in told
    assert re.search(r"^password +changed", told, re.MULTILINE)


def test_nothing_stays_of_it(room: Room, editors: Editors) -> None:
    room.create("db", password=b"hunter2")
    env = editors('cp "$1" "$1.swp"; echo x > "$TMPDIR/other"; sed -i s/hunter2/3/ "$1"')
    room.done("edit", "db", env=env)
    assert editors.path.is_relative_to(memory_directory())
    assert not editors.path.parent.exists()


@pytest.mark.parametrize("script", ["true", "touch $1", ": > $1", "echo '# mine' >> $1"])
def test_the_same_text_or_none_cancels(room: Room, editors: Editors, script: str) -> None:
    before = room.create("db", password=b"hunter2")
    result = room.run("edit", "db", env=editors(script))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Edit cancelled, no changes made.\n"
    assert room.get("db").metadata.resourceVersion == before.metadata.resourceVersion
    assert not editors.path.parent.exists()


def test_an_editor_that_fails_changes_nothing(room: Room, editors: Editors) -> None:
    room.create("db", password=b"hunter2")
    result = room.run("edit", "db", env=editors("sed -i s/hunter2/3/ $1; exit 3"))
    assert result.exit_code == 1
    assert "ended with code 3; nothing was changed" in result.stderr
    assert room.get("db").data == {"password": b"hunter2"}
    missing = room.run("edit", "db", env={"KUBE_EDITOR": "/nonexistent/editor"})
    assert "cannot run the editor /nonexistent/editor" in missing.stderr
    unseen = room.run("edit", "db", env={"KUBE_EDITOR": "vim"})
    assert unseen.exit_code == 1
    assert "hunter2" not in unseen.output


def test_what_cannot_be_read_comes_back_with_the_reason(room: Room, editors: Editors) -> None:
    room.create("db", password=b"hunter2")
    env = editors("sed -i 's/hunter2/*3/' $1", "sed -i 's/[*]3/good/' $1")
    room.done("edit", "db", env=env)
    assert "#~ NOT STORED: not valid YAML (line " in editors.shown(1)
    assert "password: *3" in editors.shown(1)
    assert room.get("db").data == {"password": b"good"}


def test_what_the_server_refuses_comes_back_and_is_kept_when_given_up(
    room: Room, editors: Editors
) -> None:
    room.create("db", password=b"hunter2")
    env = editors("echo 'labels: {a: b/b/b}' >> $1")
    result = room.run("edit", "db", env=env)
    assert result.exit_code == 1
    assert "#~ NOT STORED: Secret" in editors.shown(1)
    assert editors.calls == 2
    kept = editors.path
    assert f"--continue {kept}" in result.stderr
    assert kept.is_relative_to(memory_directory())
    env = editors("", "", "sed -i s,b/b/b,good, $1")
    room.done("edit", "db", "--continue", str(kept), env=env)
    assert room.get("db").metadata.labels == {"a": "good"}
    assert not kept.parent.exists()


def test_what_others_change_stays_and_the_same_key_is_asked_about(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.create("db", a=b"1", b=b"1", c=b"1")
    shown: list[str] = []

    def change(path: Path, old: str, new: str, *others: str) -> None:
        shown.append(path.read_text())
        path.write_text(shown[-1].replace(old, new))
        if others:
            room.done("set", "db", "--allow-argv", *others)

    steps = iter(
        [
            ("a: 1", "a: 2", "b=9"),
            # The same key: asked about, beside what others did to other keys; then insisted on.
            ("a: 2", "a: 3", "a=8", "c=8"),
            ("", ""),
        ]
    )
    monkeypatch.setattr(editor, "edit", lambda path: change(path, *next(steps)))
    room.done("edit", "db")
    assert room.get("db").data == {"a": b"2", "b": b"9", "c": b"1"}
    room.done("edit", "db")
    assert "#~ NOT STORED: others have changed a meanwhile" in shown[2]
    assert shown[2].endswith("data:\n  a: 3\n  b: 9\n  c: 8\n")
    assert room.get("db").data == {"a": b"3", "b": b"9", "c": b"8"}
