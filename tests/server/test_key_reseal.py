"""`strongroom keys reseal`: from each seal to another, in place and into a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.backup.age_keys import Identity
from strongroom.server.key_reseal import main
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import Work
from tests.server.encryption.test_sources import private


def test_keys_go_from_seal_to_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    little = Work(memory=64, iterations=1, lanes=1)
    monkeypatch.setattr(
        "strongroom.storage.encryption.passphrase.Work",
        lambda *given: Work(*given) if given else little,
    )
    key, copy = tmp_path / "the.key", tmp_path / "copies" / "the.key"
    ring = KeyRing.create(key)
    ring.rotate()
    identity = private(tmp_path / "identity", Identity.make()[1])
    phrase = str(private(tmp_path / "phrase", "a passphrase"))
    age, passphrase, clear = f"age:{key}?identity={identity}", f"passphrase:{key}", f"file:{key}"
    by_age = f"age:{copy}?identity={identity}"
    steps = [
        ([clear, age], f"the keys are in {age} now; its backups are as they were\n"),
        ([age, by_age], f"the keys are in {by_age} now; {key} is as it was\n"),
        ([age, passphrase, "--new-passphrase-file", phrase], f"in {passphrase} now"),
        ([by_age, f"file:{copy}"], f"in file:{copy} now"),
    ]
    for arguments, message in steps:
        assert main(arguments) == 0
        assert message in capsys.readouterr().out
    assert KeyRing.load(copy).ids == ring.ids
    before = key.read_bytes(), copy.read_bytes()
    refused = [
        ([passphrase, f"file:{copy}", "--passphrase-file", phrase], "is never overwritten"),
        ([clear, age], "is sealed under a passphrase: name it as passphrase:"),
        ([f"file:{tmp_path}/none", age], "there is no key file"),
    ]
    for arguments, message in refused:
        assert main(arguments) == 1
        assert message in capsys.readouterr().err
    assert (key.read_bytes(), copy.read_bytes()) == before
    assert main([passphrase, clear, "--passphrase-file", phrase]) == 0
    assert key.read_bytes() == copy.read_bytes()


def test_what_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    vault = "vault:https://127.0.0.1:1/transit/keys/a?token-file=f"
    for arguments in ([vault, "file:a"], ["file:a", vault]):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "only keys in files can be sealed anew" in capsys.readouterr().err
