"""Which directory may become a data directory."""

import stat
from pathlib import Path

import pytest

from strongroom.paths import DataDirUnsafe, claim_data_dir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_closed_to_others(tmp_path: Path) -> None:
    claim_data_dir(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


@pytest.mark.parametrize("content", [None, "installation-id"])
def test_an_empty_directory_and_our_own_are_closed(tmp_path: Path, content: str | None) -> None:
    tmp_path.chmod(0o755)
    if content:
        (tmp_path / content).touch()
    claim_data_dir(tmp_path)
    assert mode(tmp_path) == 0o700


def test_an_open_directory_with_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "other").touch()
    with pytest.raises(DataDirUnsafe, match="is open to other users and holds other things"):
        claim_data_dir(tmp_path)
    assert mode(tmp_path) == 0o777


def test_a_closed_directory_is_taken_whatever_it_holds(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "other").touch()
    claim_data_dir(tmp_path)
    assert mode(tmp_path) == 0o700
