"""Where key files may lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrasefile import PassphraseFile
from strongroom.storage.encryption.port import KeyFileUnsafe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "the.key"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o775])
def test_a_directory_in_which_others_write_is_refused(path: Path, mode: int) -> None:
    made = KeyRing.create(path)
    path.parent.chmod(mode)
    told = f"mode {mode:04o}: others may replace the.key there; run `chmod go-w {path.parent}`"
    with pytest.raises(KeyFileUnsafe) as caught:
        KeyRing.load(path)
    assert told in str(caught.value)
    with pytest.raises(KeyFileUnsafe, match=r"may replace another\.key there"):
        KeyRing.create(path.with_name("another.key"))
    assert [file.name for file in path.parent.iterdir()] == ["the.key"]
    with pytest.raises(KeyFileUnsafe, match=r"may replace the\.key there"):
        PassphraseFile(str(path))()
    link = path.parent.with_name("link")
    link.symlink_to(path)
    with pytest.raises(KeyFileUnsafe, match="may replace link there"):
        KeyRing.load(link)
    path.parent.chmod(0o755)
    assert KeyRing.load(link).ids == made.ids


def test_others_replace_nothing_in_a_sticky_directory(path: Path) -> None:
    made = KeyRing.create(path)
    path.parent.chmod(0o1777)
    assert KeyRing.load(path).ids == made.ids


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_directory_of_somebody_else_is_refused(path: Path) -> None:
    KeyRing.create(path)
    os.chown(path.parent, 65534, -1)
    with pytest.raises(KeyFileUnsafe, match="belongs to user 65534, who may replace"):
        KeyRing.load(path)
