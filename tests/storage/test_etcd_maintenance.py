"""Space in etcd: what was compacted is given back, and a full member says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.storage.encryption.wire import WireError
from strongroom.storage.errors import NoSpace, StoreUnavailable
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.etcd_maintenance import no_space_at, read_status
from tests.etcd import Etcd

pytestmark = pytest.mark.needs("etcd")


async def test_a_full_etcd_says_so_and_takes_writes_again_when_room_was_made(
    tmp_path: Path,
) -> None:
    etcd = Etcd(tmp_path / "etcd", "--unsafe-no-fsync", "--quota-backend-bytes", "3000000")
    etcd.start()
    try:
        store = await EtcdStore.open([etcd.url], within=30)
        marked = b"only once " + b"v" * 400_000
        revision = await store.create("/registry/a", marked)
        said = ""
        for _ in range(20):
            try:
                revision = await store.update("/registry/a", b"w" * 400_000, expected=revision)
            except NoSpace as error:
                said = str(error)
                break
        assert "has reached --quota-backend-bytes; see docs/storage.md" in said
        with pytest.raises(NoSpace):
            await store.create("/registry/b", b"")
        await store.compact(revision, physical=True)
        (done,) = await store.defragment()
        assert done.url == etcd.url
        assert done.after < done.before / 2
        assert await store.create("/registry/b", b"") > revision
        await store.close()
        assert b"only once" not in (etcd.directory / "member/snap/db").read_bytes()
    finally:
        etcd.kill()


def test_an_answer_that_is_none_is_an_error() -> None:
    with pytest.raises(StoreUnavailable, match="an answer of etcd"):
        no_space_at(b"\x0f")
    with pytest.raises(WireError):
        read_status(b"\x0f")
