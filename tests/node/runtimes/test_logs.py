"""Container logs: the CRI format, every option of PodLogOptions, following, rotation."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.node.runtimes.logs import ContainerLog, timestamp
from strongroom.node.runtimes.port import LogOptions


@pytest.fixture
def log(tmp_path: Path) -> ContainerLog:
    return ContainerLog(tmp_path / "c.log")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def text(log: ContainerLog, **options: Any) -> str:
    return b"".join([chunk async for chunk in log.read(LogOptions(**options))]).decode()


def test_timestamps_are_cris() -> None:
    assert timestamp(0) == b"1970-01-01T00:00:00.000000000Z"
    assert timestamp(1_795_309_323_000_000_042) == b"2026-11-22T01:02:03.000000042Z"


async def test_the_file_is_in_cri_format(log: ContainerLog, tmp_path: Path) -> None:
    log.feed("stdout", b"one\ntwo")
    log.feed("stderr", b"oops\n")
    log.feed("stdout", b" and more\nrest")
    log.close()
    lines = (tmp_path / "c.log").read_text().splitlines()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    assert all(re.match(stamp + " ", line) for line in lines)
    assert [line.split(" ", 1)[1] for line in lines] == [
        "stdout F one",
        "stderr F oops",
        "stdout F two and more",
        "stdout P rest",
    ]


async def test_reading_gives_back_what_was_written(log: ContainerLog) -> None:
    log.feed("stdout", b"one\n\ntwo \n\xff\n")
    log.feed("stdout", b"no newline")
    log.close()
    chunks = [chunk async for chunk in log.read(LogOptions())]
    assert b"".join(chunks) == b"one\n\ntwo \n\xff\nno newline"


async def test_a_very_long_line_is_split_and_read_whole(log: ContainerLog, tmp_path: Path) -> None:
    line = "x" * 100_000
    log.feed("stdout", line.encode() + b"\nshort\n")
    assert max(map(len, (tmp_path / "c.log").read_bytes().splitlines())) < 17_000
    assert await text(log) == f"{line}\nshort\n"
    # One line carries one timestamp, however many parts it has.
    assert (await text(log, timestamps=True)).count("Z ") == 2
    log.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tail_lines": 0}, ""),
        ({"tail_lines": 1}, "4\n"),
        ({"tail_lines": 3}, "2\n3\n4\n"),
        ({"tail_lines": 5}, "0\n1\n2\n3\n4\n"),
        ({"tail_lines": 99}, "0\n1\n2\n3\n4\n"),
        ({"limit_bytes": 0}, ""),
        ({"limit_bytes": 3}, "0\n1"),
        ({"limit_bytes": 99}, "0\n1\n2\n3\n4\n"),
        ({"tail_lines": 2, "limit_bytes": 3}, "3\n4"),
        ({"stream": "stdout"}, "0\n1\n2\n3\n4\n"),
        ({"stream": "stderr"}, ""),
        ({"since_seconds": 3600}, "0\n1\n2\n3\n4\n"),
        ({"since_time": datetime(2100, 1, 1, tzinfo=UTC)}, ""),
        ({"since_time": datetime(2000, 1, 1, tzinfo=UTC), "since_seconds": 0}, "0\n1\n2\n3\n4\n"),
    ],
)
async def test_options(log: ContainerLog, options: dict[str, Any], expected: str) -> None:
    log.feed("stdout", b"0\n1\n2\n3\n4\n")
    assert await text(log, **options) == expected
    log.close()
    assert await text(log, **options, follow=True) == expected


async def test_since_time_splits_the_log(log: ContainerLog, tmp_path: Path) -> None:
    log.close()
    (tmp_path / "c.log").write_text(
        "2026-11-22T01:02:03.000000000Z stdout F old\n"
        "2026-11-22T01:02:03.500000000Z stdout F exact\n"
        "2026-11-22T01:02:04.000000000Z stdout F new\n"
    )
    since = datetime(2026, 11, 22, 1, 2, 3, 500_000, tzinfo=UTC)
    assert await text(log, since_time=since) == "exact\nnew\n"
    elsewhere = since.astimezone(timezone(timedelta(hours=9)))
    assert await text(log, since_time=elsewhere, timestamps=True) == (
        "2026-11-22T01:02:03.500000000Z exact\n2026-11-22T01:02:04.000000000Z new\n"
    )
    assert await text(log, since_time=since + timedelta(seconds=1)) == ""


async def _collect(chunks: AsyncIterator[bytes], into: bytearray, step: asyncio.Event) -> None:
    async for chunk in chunks:
        into += chunk
        step.set()


async def test_following_delivers_each_write_and_ends_with_the_container(log: ContainerLog) -> None:
    log.feed("stdout", b"before\n")
    got, step = bytearray(), asyncio.Event()
    follower = asyncio.create_task(_collect(log.read(LogOptions(follow=True)), got, step))
    for line in (b"before\n", b"one\n", b"two\n"):
        if line != b"before\n":
            log.feed("stderr", line)
        await step.wait()
        step.clear()
        assert got.endswith(line)
    log.feed("stdout", b"unfinished")
    log.close()
    await follower
    assert got == b"before\none\ntwo\nunfinished"


async def test_following_ends_at_its_byte_limit(log: ContainerLog) -> None:
    reader = asyncio.create_task(text(log, follow=True, limit_bytes=5))
    await asyncio.sleep(0)
    log.feed("stdout", b"0123456789\n")
    assert await reader == "01234"
    log.close()


async def test_rotation_bounds_the_files_and_keeps_the_newest(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "c.log", max_bytes=10_000)
    for number in range(2000):
        log.feed("stdout", b"line %04d\n" % number)
    assert [path.name for path in _files(tmp_path)] == ["c.log", "c.log.1"]
    assert all(path.stat().st_size <= 10_000 for path in _files(tmp_path))
    lines = (await text(log)).splitlines()
    assert lines == [f"line {number:04d}" for number in range(2000 - len(lines), 2000)]
    assert len(lines) > 10_000 // 60
    # A tail that reaches back over the rotation.
    assert (await text(log, tail_lines=len(lines) - 3)).splitlines() == lines[3:]
    log.delete()
    assert _files(tmp_path) == []


async def test_a_follower_misses_nothing_over_rotations(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "c.log", max_bytes=1_000)
    reader = asyncio.create_task(text(log, follow=True))
    for number in range(500):
        log.feed("stdout", b"line %04d\n" % number)
        # The reader gets its turns, as it does while a real container's pipe is read.
        for _ in range(6):
            await asyncio.sleep(0)
    log.close()
    assert (await reader).splitlines() == [f"line {number:04d}" for number in range(500)]


async def test_a_slow_follower_goes_on_with_the_oldest_that_is_left(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "c.log", max_bytes=1_000)
    log.feed("stdout", b"first\n")
    chunks = log.read(LogOptions(follow=True))
    assert await anext(chunks) == b"first\n"
    for number in range(500):
        log.feed("stdout", b"line %04d\n" % number)
    log.close()
    rest = b"".join([chunk async for chunk in chunks]).decode().splitlines()
    # What it had open, then a gap, then everything that's left: in order, nothing twice.
    assert rest == sorted(set(rest))
    assert (rest[0], rest[-1]) == ("line 0000", "line 0499")
    kept = sum(len(path.read_bytes().splitlines()) for path in _files(tmp_path))
    assert rest[-kept:] == [f"line {number:04d}" for number in range(500 - kept, 500)]


async def test_a_full_disk_loses_output_only(tmp_path: Path) -> None:
    log = ContainerLog(Path("/dev/full"))
    log.feed("stdout", b"lost\n")
    log.close()
    assert await text(log, limit_bytes=0) == ""


async def test_the_tail_for_a_termination_message(log: ContainerLog) -> None:
    log.feed("stdout", b"".join(b"line %d\n" % number for number in range(100)))
    assert log.tail(lines=2, max_bytes=2048) == b"line 98\nline 99\n"
    assert log.tail(lines=80, max_bytes=10) == b"8\nline 99\n"
    log.close()


# A busy machine is no failure.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pieces=st.lists(st.binary(max_size=40), max_size=12),
    tail=st.one_of(st.none(), st.integers(0, 20)),
)
def test_any_output_in_any_pieces_reads_back(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], tail: int | None
) -> None:
    async def check() -> None:
        log = ContainerLog(tmp_path_factory.mktemp("log") / "c.log")
        for piece in pieces:
            log.feed("stdout", piece)
        log.close()
        chunks = [chunk async for chunk in log.read(LogOptions(tail_lines=tail))]
        whole = b"".join(pieces).split(b"\n")
        last = whole.pop()
        lines = [line + b"\n" for line in whole] + ([last] if last else [])
        expected = lines if tail is None else lines[max(0, len(lines) - tail) :]
        assert b"".join(chunks) == b"".join(expected)

    asyncio.run(check())
