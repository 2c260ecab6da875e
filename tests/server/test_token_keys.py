"""Files of keys: made once, read again when they change, never lost by a change that fails."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from strongroom.access.authn.keys import make_key, public_pem, signing_key, verification_keys
from strongroom.files import write_private
from strongroom.server.token_keys import (
    LOOK_AGAIN,
    KeyFileError,
    KeyFiles,
    PublicKeys,
    default_files,
    prepare_keys,
)
from strongroom.testing.clock import ManualClock
from tests.access.authn.making import key, pem


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    private, public = default_files(tmp_path)
    write_private(private, pem("rsa"))
    write_private(public, public_pem(key("rsa").public.key))
    return tmp_path


def ids(*kinds: str) -> list[str]:
    return [key(kind).public.id for kind in kinds]


def test_keys_are_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    prepare_keys(tmp_path)
    files = default_files(tmp_path)
    before = [path.read_bytes() for path in files]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]
    prepare_keys(tmp_path)
    assert [path.read_bytes() for path in files] == before
    assert signing_key(before[0]).public == verification_keys(before[1])[0]


def test_a_key_that_was_replaced_between_two_starts_is_still_believed(directory: Path) -> None:
    private, public = default_files(directory)
    write_private(private, pem("p256"))
    prepare_keys(directory)
    assert [k.id for k in verification_keys(public.read_bytes())] == ids("rsa", "p256")
    public.unlink()
    prepare_keys(directory)
    assert [k.id for k in verification_keys(public.read_bytes())] == ids("p256")


def test_files_are_looked_at_again_after_a_second_or_when_asked(directory: Path) -> None:
    clock = ManualClock()
    private, public = default_files(directory)
    files = KeyFiles(private, [public], clock)
    first = files.current()
    assert [k.id for k in first.keys] == ids("rsa")
    write_private(private, pem("p384"))
    assert files.current() is first
    clock.advance(LOOK_AGAIN)
    second = files.current()
    assert [k.id for k in second.keys] == ids("rsa", "p384")
    assert files.newest() is second
    write_private(public, public_pem(key("p521").public.key))
    assert [k.id for k in files.newest().keys] == ids("p521", "p384")


def test_a_change_that_cannot_be_used_changes_nothing(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    private, public = default_files(directory)
    files = KeyFiles(private, [public], ManualClock())
    first = files.current()
    with caplog.at_level(logging.ERROR):
        write_private(private, b"broken")
        assert files.newest() is first
        assert files.newest() is first
        private.unlink()
        assert files.newest() is first
    assert len(caplog.records) == 2
    write_private(private, pem("p256"))
    assert [k.id for k in files.newest().keys] == ids("rsa", "p256")


async def test_the_public_part_of_a_new_key_is_kept(directory: Path) -> None:
    private, public = default_files(directory)
    files = KeyFiles(private, [public], ManualClock())
    keeper = PublicKeys(files, directory)
    await keeper.turn()
    before = public.stat().st_mtime_ns
    await keeper.turn()
    assert public.stat().st_mtime_ns == before
    for kind in ("p256", "p384"):
        write_private(private, pem(kind))
        await keeper.turn()
    assert [k.id for k in verification_keys(public.read_bytes())] == ids("rsa", "p256", "p384")
    await keeper.turn()
    assert [k.id for k in files.newest().keys] == ids("rsa", "p256", "p384")


def test_a_start_without_keys_that_can_be_used_says_which_file(directory: Path) -> None:
    private, public = default_files(directory)
    with pytest.raises(KeyFileError, match=r"none\.key: No such file"):
        KeyFiles(directory / "none.key", [public], ManualClock())
    public.write_bytes(b"nothing")
    with pytest.raises(KeyFileError, match=r"sa\.pub: data does not contain any valid RSA or ECDS"):
        prepare_keys(directory)
    private.write_bytes(make_key()[1])
    with pytest.raises(KeyFileError, match=r"sa\.key: data does not contain a valid RSA or ECDSA"):
        prepare_keys(directory)
