"""Opening a snapshot file: its checksum, and an etcd that has it open."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from strongroom.snapshot.errors import BadSnapshot, InUse
from strongroom.snapshot.file import opened
from tests.snapshot.files import Put, database, summed

DATA = database([Put("/registry/a", b"v", 2)])


def test_a_checksum_is_held_against_the_file(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.db"
    for whole in (DATA, summed(DATA)):
        file.write_bytes(whole)
        with opened(file) as data:
            assert data == DATA
    damaged = bytearray(summed(DATA))
    damaged[700] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(BadSnapshot, match="checksum is wrong"), opened(file):
        pass


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "empty"), (b"x" * 100, "no snapshot"), (summed(DATA)[:-1], "cut short")],
)
def test_what_is_no_snapshot_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "snapshot.db"
    file.write_bytes(content)
    with pytest.raises(BadSnapshot, match=told), opened(file):
        pass


def test_a_file_that_an_etcd_has_open_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "db"
    file.write_bytes(DATA)
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InUse, match="etcdctl snapshot save"), opened(file):
            pass
    with opened(file) as data:
        assert len(data) == len(DATA)
