"""A directory in memory for one file that an editor works on."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from strongroom.cli.people import Failure
from strongroom.cli.secret.memory import is_in_memory, memory_directory, scratch


def test_where_memory_is() -> None:
    assert is_in_memory(Path("/dev/shm"))
    assert not is_in_memory(Path("/proc"))
    assert not is_in_memory(Path("/nonexistent"))
    assert is_in_memory(memory_directory({"XDG_RUNTIME_DIR": "/proc"}))


def test_the_file_is_the_users_own_and_goes_with_what_editors_left() -> None:
    with scratch("db") as made:
        made.write("hunter2")
        directory = made.file.parent
        assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        (directory / ".db.yaml.swp").write_text("hunter2")
        (directory / "link").symlink_to("/nonexistent")
        backups = directory / "backups"
        backups.mkdir()
        # Another name for the same content shows what is left of it.
        (backups / "db.yaml~").write_text("hunter2")
        held = os.open(backups / "db.yaml~", os.O_RDONLY)
    assert not directory.exists()
    assert os.read(held, 100) == bytes(7)
    os.close(held)


def test_it_goes_when_the_process_is_told_to_end() -> None:
    made = []

    def told_to_end() -> None:
        with scratch("db") as one:
            made.append(one)
            one.write("hunter2")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        told_to_end()
    assert ended.value.code == 128 + signal.SIGTERM
    assert not made[0].file.parent.exists()


def test_it_stays_where_it_is_kept_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    with scratch("db") as made:
        made.write("text")
        made.keep = True
    with scratch("db", made.file) as again:
        assert again.read() == "text"
    assert not made.file.parent.exists()
    mine = tmp_path / "mine.yaml"
    mine.write_text("x")
    with pytest.raises(Failure, match="is not the text of an edit"), scratch("db", mine):
        pass
    assert mine.exists()
