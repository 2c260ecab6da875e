"""The local key service and its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.keyservice import Wrapped
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
    made = KeyRing.create(path)
    loaded = KeyRing.load(path)
    assert loaded.status() == made.status()
    assert loaded.decrypt(made.encrypt(b"seed")) == b"seed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["kek"]


def test_two_keys_differ_and_do_not_read_each_other(tmp_path: Path) -> None:
    one, two = KeyRing.create(tmp_path / "1"), KeyRing.create(tmp_path / "2")
    assert one.status() != two.status()
    with pytest.raises(DecryptionFailed):
        two.decrypt(one.encrypt(b"seed"))


def test_a_key_is_never_overwritten(path: Path) -> None:
    made = KeyRing.create(path)
    with pytest.raises(KeyServiceError, match="exists"):
        KeyRing.create(path)
    assert KeyRing.load(path).status() == made.status()
    assert [file.name for file in path.parent.iterdir()] == ["kek"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_others_can_use_is_refused(path: Path, mode: int) -> None:
    KeyRing.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnsafe, match=f"{mode:04o}.*chmod 600"):
        KeyRing.load(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    KeyRing.create(path)
    os.chown(path, 12345, 12345)
    with pytest.raises(KeyFileUnsafe, match="12345"):
        KeyRing.load(path)


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileUnsafe):
        KeyRing.load(tmp_path)


def test_a_missing_file_says_what_to_do(path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="restore it from its backup"):
        KeyRing.load(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyServiceError, match="cannot write"):
        KeyRing.create(tmp_path / "file" / "kek")
    with pytest.raises(KeyServiceError, match="cannot read"):
        KeyRing.load(tmp_path / "file" / "kek")


def test_any_cut_or_changed_byte_is_noticed_and_not_told(path: Path) -> None:
    KeyRing.create(path)
    whole = path.read_bytes()
    secret = whole.splitlines()[2].removeprefix(b"key: ").decode()
    for position in range(len(whole) - 1):
        changed = bytearray(whole)
        changed[position] = ord("A") if changed[position] != ord("A") else ord("B")
        for damaged in (whole[:position], bytes(changed)):
            path.write_bytes(damaged)
            with pytest.raises(KeyFileDamaged, match="restore") as refused:
                KeyRing.load(path)
            assert secret[:12] not in str(refused.value)


def test_a_change_that_decoding_leaves_out_is_noticed(path: Path) -> None:
    KeyRing.create(path)
    head, last = path.read_text().rstrip("\n=")[:-1], path.read_text().rstrip("\n=")[-1]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    path.write_text(f"{head}{digits[digits.index(last) + 1]}=\n")
    with pytest.raises(KeyFileDamaged):
        KeyRing.load(path)


# --- several keys -------------------------------------------------------------------------------


def test_a_new_key_encrypts_and_the_old_ones_decrypt(path: Path) -> None:
    ring = KeyRing.create(path)
    old = ring.encrypt(b"seed")
    first = ring.status()
    second = ring.rotate()
    assert ring.status() == second != first
    assert ring.ids == (second, first)
    new = ring.encrypt(b"seed")
    again = KeyRing.load(path)
    assert again.ids == ring.ids
    assert [again.decrypt(one) for one in (old, new)] == [b"seed", b"seed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_another_process_made_is_found(path: Path) -> None:
    here = KeyRing.create(path)
    there = KeyRing.load(path)
    there.rotate()
    assert here.decrypt(there.encrypt(b"seed")) == b"seed"
    assert here.status() == there.status()
    with pytest.raises(DecryptionFailed, match="'local:other', this service holds 'local:"):
        here.decrypt(Wrapped(b"", "local:other"))


def test_pruned_keys_are_gone(path: Path) -> None:
    ring = KeyRing.create(path)
    only = path.read_bytes()
    old = ring.encrypt(b"seed")
    first = ring.status()
    ring.rotate()
    with pytest.raises(ValueError, match="the key that encrypts stays"):
        ring.prune({ring.status()})
    ring.prune({first})
    assert ring.ids == (ring.status(),)
    assert len(path.read_bytes()) == len(only)
    assert only.splitlines()[2] not in path.read_bytes()
    with pytest.raises(DecryptionFailed):
        ring.decrypt(old)


def test_any_cut_or_changed_line_of_several_is_noticed(path: Path) -> None:
    KeyRing.create(path).rotate()
    lines = path.read_text().splitlines(keepends=True)
    for i in range(len(lines)):
        without = lines[:i] + lines[i + 1 :]
        for damaged in (lines[:i], without, [*lines[:i], lines[i].lower(), *lines[i + 1 :]]):
            if damaged == lines:
                continue
            path.write_text("".join(damaged))
            with pytest.raises(KeyFileDamaged):
                KeyRing.load(path)


def test_a_damaged_file_is_not_changed(path: Path) -> None:
    ring = KeyRing.create(path)
    path.write_bytes(path.read_bytes()[:-4])
    damaged = path.read_bytes()
    with pytest.raises(KeyFileDamaged):
        ring.rotate()
    assert path.read_bytes() == damaged
    assert ring.decrypt(ring.encrypt(b"seed")) == b"seed"


def test_the_file_has_its_bounds(path: Path) -> None:
    ring = KeyRing.create(path)
    for _ in range(99):
        ring.rotate()
    with pytest.raises(KeyServiceError, match="holds 100 keys: prune"):
        ring.rotate()
    assert len(KeyRing.load(path).ids) == 100


class Careless:
    """A seal that does not open what it closed."""

    def opened(self, path: Path, content: bytes) -> bytes:
        return content

    def closed(self, keys: bytes) -> bytes:
        return keys[:-1]


def test_a_seal_that_does_not_open_what_it_closed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "the.key"
    ring = KeyRing.create(path)
    before = path.read_bytes()
    with pytest.raises(KeyServiceError, match="does not open what it closed"):
        ring.reseal(Careless())
    with pytest.raises(KeyServiceError, match="does not open what it closed"):
        ring.copy(tmp_path / "copy", Careless())
    assert path.read_bytes() == before
    assert not (tmp_path / "copy").exists()
    assert len(ring.rotate()) > 0
