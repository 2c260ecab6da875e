"""Where passphrases are read from, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.storage.encryption.passphrasefile import PassphraseFile, default_passphrase_file
from strongroom.storage.encryption.port import KeyFileUnsafe, KeyServiceError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.touch(0o600)
    return path


@pytest.mark.parametrize("content", [b"a b c", b"a b c\n", b"a b c\r\n"])
def test_the_end_of_the_line_is_none_of_it(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert PassphraseFile(str(path))() == b"a b c"


def test_a_file_is_read_each_time(path: Path) -> None:
    tell = PassphraseFile(str(path))
    path.write_bytes(b"one\n")
    assert tell() == b"one"
    path.write_bytes(b"two\n")
    assert tell() == b"two"
    assert "two" not in repr(tell)


def test_what_cannot_be_read_again_is_kept() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"once\n")
    os.close(writing)
    tell = PassphraseFile(f"/dev/fd/{reading}")
    assert (tell(), tell()) == (b"once", b"once")
    os.close(reading)


def test_standard_input() -> None:
    code = (
        "from strongroom.storage.encryption.passphrasefile import PassphraseFile\n"
        "tell = PassphraseFile('-')\n"
        "print(tell() == tell() == b'once')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"once\n", stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"True\n"


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_read_is_refused(path: Path, mode: int) -> None:
    path.write_bytes(b"secret\n")
    path.chmod(mode)
    with pytest.raises(KeyFileUnsafe, match=f"the passphrase file .* has mode {mode:04o}"):
        PassphraseFile(str(path))()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyServiceError, match=r"cannot read the passphrase file .*gone: No such"):
        PassphraseFile(str(tmp_path / "gone"))()


@pytest.mark.parametrize(("content", "what"), [(b"\n", "empty"), (b"x" * 65537, "too long")])
def test_what_is_no_passphrase(path: Path, content: bytes, what: str) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyServiceError, match=what):
        PassphraseFile(str(path))()


def test_the_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(KeyServiceError, match="load the credential strongroom-passphrase"):
        default_passphrase_file()
    credential = tmp_path / "strongroom-passphrase"
    credential.write_bytes(b"of systemd")
    # What its access list says looks like rights of the group.
    credential.chmod(0o440)
    assert PassphraseFile(default_passphrase_file())() == b"of systemd"
