"""`strongroom keys passphrase`."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.server.key_passphrase import main
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import PassphraseSeal
from tests.server.encryption.test_sources import private


def test_a_file_is_sealed_and_then_sealed_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "the.key"
    made = KeyRing.create(path)
    one = str(private(tmp_path / "one", "the first passphrase\n"))
    two = str(private(tmp_path / "two", "the second passphrase\n"))
    assert main([str(path), "--new-passphrase-file", one]) == 0
    assert main([str(path), "--passphrase-file", one, "--new-passphrase-file", two]) == 0
    assert "its backups are as they were" in capsys.readouterr().out
    sealed = path.read_bytes()
    opened = KeyRing.load(path, PassphraseSeal(lambda: b"the second passphrase"))
    assert opened.ids == made.ids
    assert main([str(path), "--passphrase-file", one, "--new-passphrase-file", two]) == 1
    assert "does not open the key file" in capsys.readouterr().err
    assert main([str(path), "--new-passphrase-file", one]) == 1
    assert "is sealed under a passphrase" in capsys.readouterr().err
    assert path.read_bytes() == sealed
