"""`strongroom secret delete`."""

from __future__ import annotations

from tests.cli.secret.conftest import Room


def test_secrets_go_and_a_missing_one_is_a_failure(room: Room) -> None:
    room.create("a", k=b"1")
    room.create("b", k=b"1")
    tried = room.done("delete", "a", "--dry-run")
    assert tried == f"secret a deleted from namespace {room.namespace} (dry run)\n"
    told = room.done("delete", "a", "b", "--force")
    assert told == "".join(
        f"secret {name} deleted from namespace {room.namespace}\n" for name in "ab"
    )
    assert "No Secrets" in room.run("list").stderr
    gone = room.run("delete", "a")
    assert gone.exit_code == 1
    assert 'secrets "a" not found' in gone.stderr


def test_one_that_is_missing_holds_nothing_up(room: Room) -> None:
    room.create("b", k=b"1")
    told = room.run("delete", "a", "b")
    assert told.exit_code == 1
    assert told.stdout == f"secret b deleted from namespace {room.namespace}\n"
    assert told.stderr == (
        f'error: secrets "a" not found\nSee what there is: strongroom secret list '
        f"-n {room.namespace}\n"
    )
