"""The local key service and its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import (
    DecryptionFailed,
    KeyFileDamaged,
    KeyFileMissing,
    KeyFileUnsafe,
    KeyServiceError,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "kek"


def test_create_then_load(path: Path) -> None:
    made = LocalKey.create(path)
    loaded = LocalKey.load(path)
    assert loaded.status() == made.status()
    assert loaded.decrypt(made.encrypt(b"seed")) == b"seed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["kek"]


def test_two_keys_differ_and_do_not_read_each_other(tmp_path: Path) -> None:
    one, two = LocalKey.create(tmp_path / "1"), LocalKey.create(tmp_path / "2")
    assert one.status() != two.status()
    with pytest.raises(DecryptionFailed):
        two.decrypt(one.encrypt(b"seed"))


def test_a_key_is_never_overwritten(path: Path) -> None:
    made = LocalKey.create(path)
    with pytest.raises(KeyServiceError, match="exists"):
        LocalKey.create(path)
    assert LocalKey.load(path).status() == made.status()
    assert [file.name for file in path.parent.iterdir()] == ["kek"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_others_can_use_is_refused(path: Path, mode: int) -> None:
    LocalKey.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnsafe, match=f"{mode:04o}.*chmod 600"):
        LocalKey.load(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    LocalKey.create(path)
    os.chown(path, 12345, 12345)
    with pytest.raises(KeyFileUnsafe, match="12345"):
        LocalKey.load(path)


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileUnsafe):
        LocalKey.load(tmp_path)


def test_a_missing_file_says_what_to_do(path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="restore it from its backup"):
        LocalKey.load(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyServiceError, match="cannot write"):
        LocalKey.create(tmp_path / "file" / "kek")
    with pytest.raises(KeyServiceError, match="cannot read"):
        LocalKey.load(tmp_path / "file" / "kek")


def test_any_cut_or_changed_byte_is_noticed_and_not_told(path: Path) -> None:
    LocalKey.create(path)
    whole = path.read_bytes()
    secret = whole.splitlines()[2].removeprefix(b"key: ").decode()
    for position in range(len(whole) - 1):
        changed = bytearray(whole)
        changed[position] = ord("A") if changed[position] != ord("A") else ord("B")
        for damaged in (whole[:position], bytes(changed)):
            path.write_bytes(damaged)
            with pytest.raises(KeyFileDamaged, match="restore") as refused:
                LocalKey.load(path)
            assert secret[:12] not in str(refused.value)


def test_a_change_that_decoding_leaves_out_is_noticed(path: Path) -> None:
    LocalKey.create(path)
    head, last = path.read_text().rstrip("\n=")[:-1], path.read_text().rstrip("\n=")[-1]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    path.write_text(f"{head}{digits[digits.index(last) + 1]}=\n")
    with pytest.raises(KeyFileDamaged):
        LocalKey.load(path)


def test_damaged_wraps_are_refused() -> None:
    service = LocalKey(b"k" * 32)
    wrapped = service.encrypt(b"seed")
    for position in range(len(wrapped.ciphertext)):
        damaged = bytearray(wrapped.ciphertext)
        damaged[position] ^= 0x80
        with pytest.raises(DecryptionFailed):
            service.decrypt(Wrapped(bytes(damaged), wrapped.key_id))
        with pytest.raises(DecryptionFailed):
            service.decrypt(Wrapped(wrapped.ciphertext[:position], wrapped.key_id))


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32"):
        LocalKey(b"short")
