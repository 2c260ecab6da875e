"""What servers of one store have in common: agreed on at the start, and followed when changed."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from strongroom.access.authn.keys import BadKey, make_key, verification_keys
from strongroom.server.pki import PKI, PKIError, prepare_pki
from strongroom.server.shared_pki import SharedPKI
from strongroom.server.token_keys import default_files, prepare_keys
from strongroom.storage.memory import MemoryStore
from strongroom.storage.places import AUTHORITIES
from strongroom.storage.port import KeyValue

NOW = datetime.now(UTC)
FILES = ("ca.crt", "ca.key", "sa.key", "sa.pub")


@cache
def keys(number: int) -> tuple[bytes, bytes]:
    """Keys of tokens, which take a while to make."""
    return make_key()


def give(directory: Path, *numbers: int) -> None:
    """Have keys of tokens, of which the first signs."""
    directory.mkdir(exist_ok=True)
    private, public = default_files(directory)
    private.write_bytes(keys(numbers[0])[0])
    public.write_bytes(b"".join(keys(number)[1] for number in numbers))


def held(directory: Path) -> tuple[bytes, set[str]]:
    """The signing key, and the ids of the public ones."""
    private, public = default_files(directory)
    return private.read_bytes(), {key.id for key in verification_keys(public.read_bytes())}


def ids(*numbers: int) -> set[str]:
    return {key.id for number in numbers for key in verification_keys(keys(number)[1])}


async def test_servers_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    store = MemoryStore()
    places = [tmp_path / name for name in ("a", "b", "c")]
    await asyncio.gather(*(SharedPKI(store, place).begin(NOW) for place in places))
    for name in FILES:
        assert len({(place / name).read_bytes() for place in places}) == 1
    for place in places:
        before = [(place / name).read_bytes() for name in FILES]
        prepare_pki(place, "127.0.0.1", "n1", NOW)
        prepare_keys(place)
        assert [(place / name).read_bytes() for name in FILES] == before


async def test_what_a_server_had_before_is_everybodys(tmp_path: Path) -> None:
    store, old, new = MemoryStore(), tmp_path / "old", tmp_path / "new"
    give(old, 1, 2)
    authority = prepare_pki(old, "127.0.0.1", "n1", NOW).pair("ca")
    await SharedPKI(store, old).begin(NOW)
    await SharedPKI(store, new).begin(NOW)
    assert PKI(new).pair("ca") == authority
    assert held(new) == held(old) == (keys(1)[0], ids(1, 2))


async def test_keys_from_before_stay_good_beside_those_in_common(tmp_path: Path) -> None:
    store, first, second = MemoryStore(), tmp_path / "first", tmp_path / "second"
    give(first, 1)
    give(second, 2)
    await SharedPKI(store, first).begin(NOW)
    await SharedPKI(store, second).begin(NOW)
    assert held(second) == (keys(1)[0], ids(1, 2))
    await SharedPKI(store, first).merge()
    assert held(first) == held(second)


async def test_changes_at_each_are_everybodys(tmp_path: Path) -> None:
    store, first, second = MemoryStore(), tmp_path / "first", tmp_path / "second"
    give(first, 1, 2)
    one, two = SharedPKI(store, first), SharedPKI(store, second)
    await one.begin(NOW)
    await two.begin(NOW)
    # At the same time another key is to sign here, and one is taken out there.
    give(first, 3, 1, 2)
    give(second, 1)
    await asyncio.gather(one.merge(), two.merge())
    await asyncio.gather(one.merge(), two.merge())
    assert held(first) == held(second) == (keys(3)[0], ids(1, 3))
    # It is remembered over restarts what was in common.
    give(first, 3)
    await SharedPKI(store, first).begin(NOW)
    await two.merge()
    assert held(second) == (keys(3)[0], ids(3))


async def test_what_is_changed_while_it_merges_is_kept(tmp_path: Path) -> None:
    class Slow(MemoryStore):
        """Somebody changes the files while the store is asked."""

        changed = False

        async def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
            found = await super().get(key, revision=revision)
            if self.changed:
                self.changed = False
                give(tmp_path, 2)
            return found

    store = Slow()
    give(tmp_path, 1, 2)
    shared = SharedPKI(store, tmp_path)
    await shared.begin(NOW)
    store.changed = True
    await shared.merge()
    assert held(tmp_path) == (keys(2)[0], ids(2))


async def test_half_a_file_is_not_for_the_others(tmp_path: Path) -> None:
    store = MemoryStore()
    shared = SharedPKI(store, tmp_path)
    give(tmp_path, 1)
    await shared.begin(NOW)
    stored = await store.get(AUTHORITIES)
    (tmp_path / "sa.key").write_bytes(keys(2)[0][:100])
    with pytest.raises(BadKey):
        await shared.merge()
    with pytest.raises(PKIError, match=r"sa\.key or sa\.pub: data does not contain"):
        await SharedPKI(store, tmp_path).begin(NOW)
    assert await store.get(AUTHORITIES) == stored


async def test_changes_are_followed(tmp_path: Path) -> None:
    store, first, second = MemoryStore(), tmp_path / "first", tmp_path / "second"
    give(first, 1)
    one, two = SharedPKI(store, first), SharedPKI(store, second)
    await one.begin(NOW)
    await two.begin(NOW)
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(30):
        one.follow(0.01, stack)
        two.follow(0.01, stack)
        give(first, 2, 1)
        while held(second) != (keys(2)[0], ids(1, 2)):  # noqa: ASYNC110 - files tell nobody
            await asyncio.sleep(0.01)
    revision = await store.revision()
    await one._look()
    assert await store.revision() == revision


async def test_another_authority_is_refused_and_left_alone(tmp_path: Path) -> None:
    store, other = MemoryStore(), tmp_path / "other"
    await SharedPKI(store, tmp_path / "first").begin(NOW)
    theirs = prepare_pki(other, "127.0.0.1", "n1", NOW).pair("ca")
    stored = await store.get(AUTHORITIES)
    with pytest.raises(PKIError, match="is not the authority that the servers of this etcd share"):
        await SharedPKI(store, other).begin(NOW)
    assert PKI(other).pair("ca") == theirs
    assert await store.get(AUTHORITIES) == stored
    (other / "ca.key").unlink()
    with pytest.raises(PKIError, match=r"ca\.key is missing"):
        await SharedPKI(MemoryStore(), other).begin(NOW)


async def test_own_keys_of_tokens_are_nobodys_business(tmp_path: Path) -> None:
    store, first = MemoryStore(), tmp_path / "first"
    await SharedPKI(store, first).begin(NOW, signs=False)
    assert (first / "ca.key").exists()
    assert not (first / "sa.key").exists()


async def test_that_it_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PKIError, match="is gone"):
        await SharedPKI(MemoryStore(), tmp_path).merge()
