"""`strongroom keys` against a server of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strongroom.cli.keys.asking import tell_end
from strongroom.cli.main import main
from strongroom.cli.people import People
from strongroom.resources.encryptionoperation import EncryptionOperationStatus, KeyUse
from strongroom.testing.process import Strongroom
from tests.waiting import eventually


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    often = ("--compaction-interval", "100ms")
    with Strongroom.start(tmp_path_factory.mktemp("keys"), "apiserver", *often) as room:
        yield room


def keys(room: Strongroom, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments, "--kubeconfig", str(room.kubeconfig)])


def held(room: Strongroom) -> dict[str, int]:
    told = json.loads(keys(room, "status", "-o", "json").stdout)
    return {key["keyID"]: key.get("objects", 0) for key in told["keys"]}


def test_a_key_is_exchanged(room: Strongroom) -> None:
    (old,) = held(room)
    assert keys(room, "status", "--check").exit_code == 0
    unfinished = keys(room, "rotate", "--no-rewrap")
    assert unfinished.exit_code == 0, unfinished.output
    assert "strongroom keys rewrap" in unfinished.stdout
    assert keys(room, "status", "--check").exit_code == 3

    told = json.loads(keys(room, "rotate", "--no-rewrap", "-o", "json").stdout)
    assert told["newKeyID"] in held(room)
    done = keys(room, "rotate", "--rate", "5000")
    assert done.exit_code == 0, done.output
    assert "back up the key file" in done.stdout
    assert "values stored anew" in done.stdout
    newest = next(iter(held(room)))
    assert [key for key, objects in held(room).items() if objects] == [newest]
    assert keys(room, "status", "--check").exit_code == 0
    told = json.loads(keys(room, "rewrap", "-o", "json").stdout)
    assert told["rewrap"]["phase"] == "Done"
    again = keys(room, "rewrap")
    assert again.exit_code == 0
    assert again.stdout.startswith("0 values stored anew")
    assert "Rewrapped at " in keys(room, "status").stdout
    by_resource = keys(room, "status", "--by-resource").stdout
    assert ["clusterroles", newest] in [line.split()[:2] for line in by_resource.splitlines()]

    soon = keys(room, "prune")
    assert soon.exit_code == 1
    assert "try again in" in soon.stderr
    os.utime(_key_file(room), (0, 0))
    eventually(lambda: old in keys(room, "prune", "--dry-run").stdout.split("stays")[0])
    assert old in held(room)
    told = json.loads(keys(room, "prune", "--dry-run", "-o", "json").stdout)
    assert old in told["pruned"]
    forgotten = keys(room, "prune")
    assert f"{old} forgotten" in forgotten.stdout
    assert list(held(room)) == [newest]
    assert "no key to forget" in keys(room, "prune").stdout


def test_what_cannot_be_done_is_told(room: Strongroom) -> None:
    wrong = keys(room, "prune", "local:other")
    assert wrong.exit_code == 1
    assert "there is no key 'local:other'" in wrong.stderr or "a moment ago" in wrong.stderr
    assert keys(room, "rotate", "--rate", "-1").exit_code == 2


@pytest.mark.parametrize(
    ("provider", "advice"),
    [
        ("kms v2 strongroom", "forget old keys: strongroom keys prune"),
        ("EncryptionConfiguration /etc/e.yaml", "take old keys out of /etc/e.yaml"),
    ],
)
def test_the_end_of_a_rewrap_says_what_is_left_to_do(
    capsys: pytest.CaptureFixture[str], provider: str, advice: str
) -> None:
    old = KeyUse(name="old", held=True, history=3)
    tell_end(People(), EncryptionOperationStatus(provider=provider, keys=[old]))
    assert advice in capsys.readouterr().out


def _key_file(room: Strongroom) -> Path:
    return room.kubeconfig.parent.parent / "encryption.key"
