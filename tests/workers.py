"""How the tests are shared out among pytest-xdist's workers, and what these share in return.

There are more workers than processors: whoever runs `kubectl`, servers and pods mostly waits for
them. So each worker is given as many of these slow tests as any other, and has them first; the
quick ones at the end are what workers take from each other when they run out.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

TESTS = Path(__file__).parent


def number_and_count(config: pytest.Config) -> tuple[int, int]:
    """Which worker this is, from 0, of how many; the only one where there are none."""
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return 0, 1
    return int(worker["workerid"].removeprefix("gw")), worker["workercount"]


def import_share(config: pytest.Config) -> None:
    """Import this worker's share of the test modules first, where all of them are run.

    Most of what collecting takes is pytest's rewriting of assertions. It keeps what it made, but
    workers that go through the same files at the same time all find nothing yet. A share each,
    and they find each other's; what is not there yet is made as ever. What cannot be imported is
    left for the collection to tell.
    """
    number, count = number_and_count(config)
    if count == 1 or [Path(each).resolve() for each in config.args] != [TESTS]:
        return
    sys.dont_write_bytecode = False
    for path in sorted(TESTS.rglob("test_*.py"))[number::count]:
        name = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def dealt(
    items: Sequence[T], count: int, file_of: Callable[[T], str], slow: Callable[[T], bool]
) -> list[T]:
    """The items in an order that gives each of ``count`` equal parts as many files that are slow.

    Each part begins with them. Files are kept together and in their order: their tests, and those
    of their neighbours, share servers.
    """
    files = [list(tests) for _, tests in groupby(filter(slow, items), key=file_of)]
    quick = [item for item in items if not slow(item)]
    order: list[T] = []
    for parts in range(count, 0, -1):
        # As the scheduler `worksteal` cuts: equal parts of what is left, the last the longest.
        size = (len(items) - len(order)) // parts
        mine, files = files[: len(files) // parts], files[len(files) // parts :]
        part = [item for tests in mine for item in tests]
        room = max(size - len(part), 0) if parts > 1 else len(quick)
        order += part + quick[:room]
        del quick[:room]
    return order
