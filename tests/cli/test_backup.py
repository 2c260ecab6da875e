"""`strongroom backup` and `restore` against a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strongroom.backup.age_keys import Identity
from strongroom.cli.main import main
from strongroom.testing.process import Strongroom


@pytest.fixture
def passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What a passphrase costs is of no interest here.
    monkeypatch.setattr("strongroom.backup.age.lock.__kwdefaults__", {"work": 4})
    path = tmp_path / "passphrase"
    path.write_text("open sesame\n")
    return path


def backup(api: Strongroom, target: Path, *arguments: str, said: str | None = None) -> Result:
    given = ["backup", "--output", str(target), "--kubeconfig", str(api.kubeconfig), *arguments]
    return CliRunner().invoke(main, given, input=said)


def test_what_is_backed_up_can_be_restored(
    api: Strongroom, tmp_path: Path, passphrase: Path
) -> None:
    target = tmp_path / "store.backup"
    target.write_text("an older one")
    done = backup(api, target, "--passphrase-file", str(passphrase))
    assert done.exit_code == 0, done.output
    assert f" in {target}\n" in done.stdout
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_bytes().startswith(b"age-encryption.org/v1\n-> scrypt ")
    command = [sys.executable, "-m", "strongroom", "restore", "--dry-run", "--input", str(target)]
    told = subprocess.run(
        [*command, "--passphrase-file", str(passphrase)], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[0].endswith(done.stdout.partition(" in ")[0])


def test_a_passphrase_is_asked_for_twice(api: Strongroom, tmp_path: Path, passphrase: Path) -> None:
    done = backup(api, tmp_path / "b", said="one\nanother\nsame\nsame\n")
    assert done.exit_code == 0, done.output
    assert "same" not in done.output


def test_nothing_is_left_of_what_failed(api: Strongroom, tmp_path: Path, passphrase: Path) -> None:
    given = ("--passphrase-file", str(passphrase))
    refused = backup(api, tmp_path / "b", *given, "--as", "somebody")
    assert refused.exit_code == 1
    assert "cannot get path" in refused.stderr
    passphrase.write_text("")
    assert "passphrase is empty" in backup(api, tmp_path / "b", *given).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["passphrase"]


def test_a_backup_for_a_recipient_is_opened_by_its_identity(
    api: Strongroom, tmp_path: Path
) -> None:
    identity, secret = Identity.make()
    keys, target = tmp_path / "identity", tmp_path / "b"
    keys.write_text(f"# made for a test\n{secret}\n")
    facts = backup(api, target, "--recipient", str(identity.recipient), "-o", "json")
    assert json.loads(facts.stdout)["objects"] > 0
    done = backup(api, target, "--recipient", str(identity.recipient))
    assert done.exit_code == 0, done.output
    command = [sys.executable, "-m", "strongroom", "restore", "--dry-run", "--input", str(target)]
    told = subprocess.run([*command, "--identity", str(keys)], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[0].endswith(done.stdout.partition(" in ")[0])
    keys.write_text(Identity.make()[1])
    other = subprocess.run([*command, "--identity", str(keys)], capture_output=True, text=True)
    assert (other.returncode, other.stderr) == (
        1,
        "error: the file is not encrypted to any of these identities\n",
    )
    assert "--recipient: " in backup(api, target, "--recipient", "age1").stderr
