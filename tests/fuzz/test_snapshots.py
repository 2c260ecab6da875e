"""Snapshot files, damaged: each is read or refused, in a time that its size bounds."""

from __future__ import annotations

from random import Random

from strongroom.snapshot.errors import BadSnapshot
from strongroom.snapshot.keys import Keys
from tests.fuzz.mutations import damaged_bytes
from tests.fuzz.sizes import seeds
from tests.snapshot.files import SIZE, Put, database

TRIES = 4


def random_file(random: Random) -> bytes:
    puts = []
    for revision in range(2, random.randint(3, 40)):
        value = random.choice([None, b"k8s:enc:aescbc:v1:key1:" + random.randbytes(9)])
        if value and random.random() < 0.1:
            value *= 40
        puts.append(Put(f"/registry/secrets/ns/s{random.randrange(9)}", value, revision))
    return database(puts, width=random.randint(2, 8), inline=random.random() < 0.1)


def damaged(random: Random, data: bytes) -> bytes:
    """Bits, numbers and whole pages that are others than before; the first two stay as they are,
    whose checksums would end the reading."""
    kept, rest = data[: 2 * SIZE], bytearray(data[2 * SIZE :])
    match random.randrange(3):
        case 0:
            for _ in range(random.randint(1, 4)):
                rest[random.randrange(len(rest))] ^= 1 << random.randrange(8)
        case 1:
            here, there = (random.randrange(len(rest) // SIZE) * SIZE for _ in range(2))
            rest[here : here + SIZE] = rest[there : there + SIZE]
        case _:
            # Where the numbers of a page stand.
            at = random.randrange(len(rest) // SIZE) * SIZE + random.randrange(80)
            rest[at : at + 4] = random.choice([bytes(4), b"\xff" * 4, random.randbytes(4)])
    return kept + bytes(rest)


def test_damaged_snapshots_are_read_or_refused() -> None:
    for random in seeds(150):
        data = random_file(random)
        assert list(Keys(memoryview(data)).versions()), random
        for _ in range(TRIES):
            bad = damaged(random, data)
            if random.random() < 0.1:
                bad = damaged_bytes(random, bad)
            assert "k8s:enc" not in refusal(bad), random


def refusal(data: bytes) -> str:
    """Why a file is not read; "" for one that is."""
    try:
        keys = Keys(memoryview(data))
        for place in keys.now().values():
            assert len(keys.value(place)) <= place[1]
    except BadSnapshot as error:
        return str(error)
    return ""
