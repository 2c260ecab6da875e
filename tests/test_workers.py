"""The order in which workers are given tests."""

from __future__ import annotations

import pytest

from tests.workers import dealt


def file_of(test: str) -> str:
    return test.partition(":")[0]


def is_slow(test: str) -> bool:
    return test.startswith("slow")


FILES = [*(f"quick{n}" for n in range(20)), *(f"slow{n}" for n in range(5)), "quick-last"]
TESTS = [f"{name}:{n}" for name in FILES for n in range(3)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_each_part_begins_with_its_share_of_slow_files(count: int) -> None:
    order = dealt(TESTS, count, file_of, is_slow)
    assert sorted(order) == sorted(TESTS)
    at, slow_files = 0, []
    for parts in range(count, 0, -1):
        part = order[at : at + (len(order) - at) // parts]
        at += len(part)
        slow = [test for test in part if is_slow(test)]
        assert part[: len(slow)] == slow
        slow_files.append(len({file_of(test) for test in slow}))
    assert sum(slow_files) == 5, "a file stays in one part"
    assert max(slow_files) - min(slow_files) <= 1


def test_none_is_lost_where_slow_ones_are_more_than_a_part() -> None:
    few = [test for test in TESTS if is_slow(test)] + ["quick:1"]
    assert sorted(dealt(few, 4, file_of, is_slow)) == sorted(few)
