"""How much is tried: STRONGROOM_FUZZ is a factor, which `make fuzz` sets.

Without it the examples are few and the same each time, so that `make test` never fails by chance.
With it they are that many times more, and others each time; hypothesis says how to see a failure
again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from random import Random, SystemRandom

from hypothesis import HealthCheck, Phase, settings

FACTOR = int(os.environ.get("STRONGROOM_FUZZ", "0"))
LARGE = FACTOR > 0


def examples(count: int, *, shrink: bool = True) -> settings:
    """The settings of a test of which ``make test`` tries ``count`` examples."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    return settings(
        max_examples=count * max(FACTOR, 1),
        derandomize=not LARGE,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )


def seeds(count: int) -> Iterator[Random]:
    """Sources of randomness, each of which says its seed when what is done with it fails.

    ``make test`` has ``count`` of them, always the same; STRONGROOM_FUZZ_SEED names a single one.
    """
    told = os.environ.get("STRONGROOM_FUZZ_SEED")
    if told:
        numbers: Iterable[int] = [int(told)]
    elif LARGE:
        start = SystemRandom().randrange(1 << 40)
        numbers = range(start, start + count * FACTOR)
    else:
        numbers = range(count)
    for number in numbers:
        yield Seeded(number)


class Seeded(Random):
    """A source of randomness that knows its seed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __repr__(self) -> str:
        return f"STRONGROOM_FUZZ_SEED={self.number}"
