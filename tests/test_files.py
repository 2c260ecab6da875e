"""Files that are replaced: the old bytes go, unless somebody else has them."""

from __future__ import annotations

import os
from pathlib import Path

from strongroom.files import replace_wiping


def test_what_a_replaced_file_held_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    replace_wiping(path, b"old key")
    with path.open("rb") as old:
        replace_wiping(path, b"new")
        assert old.read() == bytes(7)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_copy_by_another_name_stays(tmp_path: Path) -> None:
    path, copy = tmp_path / "key", tmp_path / "copy"
    path.write_bytes(b"old key")
    os.link(path, copy)
    replace_wiping(path, b"new")
    assert copy.read_bytes() == b"old key"
