"""What is kept by identity is never another's, and cannot grow."""

from strongroom.server.kept import Kept


def test_equal_objects_are_told_apart_and_made_once() -> None:
    made: list[tuple[int, ...]] = []

    def make(key: tuple[int, ...]) -> int:
        made.append(key)
        return len(made)

    kept = Kept(make)
    first, second = (tuple(range(number)) for number in (3, 3))
    assert first == second
    assert first is not second
    assert [kept.of(first), kept.of(second), kept.of(first), kept.of(second)] == [1, 2, 1, 2]


def test_beyond_its_bound_it_begins_again() -> None:
    keys = [[number] for number in range(5)]
    calls: list[list[int]] = []
    kept: Kept[list[int], None] = Kept(calls.append, keep=2)
    for key in keys + keys:
        kept.of(key)
    assert len(calls) == 10
    kept.of(keys[-1])
    assert len(calls) == 10
