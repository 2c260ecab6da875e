"""Files that change are read again, and one that is wrong leaves what was there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest

from strongroom.server.reloading import BadFile, Reloading, read


class Reader:
    """What somebody keeps of a file: its text, unless that is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loads = 0
        self.counts: list[bool] = []
        self.reloading = Reloading([path], self.load, what="words", counted=self.counts.append)
        self.text = path.read_text()

    def load(self) -> None:
        self.loads += 1
        text = read(self.path).decode()
        if "wrong" in text:
            raise BadFile(f"{self.path}: not a word")
        if "secret" in text:
            raise ValueError(text)
        self.text = text


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    path = tmp_path / "file"
    path.write_text("one")
    return Reader(path)


def errors(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    found = [r for r in caplog.records if r.levelno == logging.ERROR]
    return [vars(r)["fields"] | {"message": r.getMessage()} for r in found]


async def test_a_file_is_read_again_only_when_it_changed(reader: Reader) -> None:
    await reader.reloading.turn()
    assert reader.loads == 0
    reader.path.write_text("other")
    await reader.reloading.turn()
    await reader.reloading.turn()
    assert (reader.loads, reader.text, reader.counts) == (1, "other", [True])


async def test_another_file_in_its_place_is_a_change_even_of_the_same_length(
    reader: Reader,
) -> None:
    other = reader.path.with_name("other")
    other.write_text("two")
    other.rename(reader.path)
    await reader.reloading.turn()
    assert reader.text == "two"


async def test_a_wrong_file_leaves_what_was_there_and_is_told_once(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.path.write_text("wrong")
    for _ in range(3):
        await reader.reloading.turn()
    [told] = errors(caplog)
    assert told["message"] == "words stay as they were"
    assert told["error"] == f"BadFile: {reader.path}: not a word"
    assert told["files"] == str(reader.path)
    assert (reader.text, reader.counts) == ("one", [False])
    # It is tried again although nothing of the file changes: the fault may lie elsewhere.
    assert reader.loads == 3
    reader.path.write_text("right")
    await reader.reloading.turn()
    assert (reader.text, reader.counts) == ("right", [False, True])


async def test_a_fault_that_comes_back_is_told_again(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("wrong", "right", "wrong"):
        reader.path.write_text(text)
        await reader.reloading.turn()
    assert len(errors(caplog)) == 2


async def test_a_missing_file_leaves_what_was_there(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.path.unlink()
    await reader.reloading.turn()
    [told] = errors(caplog)
    assert told["error"] == f"BadFile: {reader.path}: No such file or directory"
    assert reader.text == "one"


async def test_what_may_quote_the_file_is_told_by_its_type(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.path.write_text("a secret")
    await reader.reloading.turn()
    [told] = errors(caplog)
    assert told["error"] == "ValueError"
    assert "a secret" not in caplog.text


async def test_files_may_name_others_and_be_read_by_a_coroutine(tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.write_text("1")
    paths = [tmp_path / "first"]
    seen: list[str] = []

    async def load() -> None:
        paths[1:] = [named]
        seen.append(named.read_text())

    reloading = Reloading(lambda: paths, load, what="files")
    paths[0].write_text("x")
    await reloading.turn()
    await reloading.turn()
    named.write_text("22")
    await reloading.turn()
    assert seen == ["1", "1", "22"]


async def test_it_looks_by_itself_until_the_end(reader: Reader) -> None:
    read_again = asyncio.Event()
    reloading = Reloading(
        [reader.path],
        reader.load,
        what="words",
        every=0.001,
        counted=lambda good: read_again.set(),
    )
    async with contextlib.AsyncExitStack() as stack:
        reloading.begin(stack)
        reader.path.write_text("again")
        async with asyncio.timeout(30):
            await read_again.wait()
    assert reader.text == "again"
    assert asyncio.all_tasks() == {asyncio.current_task()}
