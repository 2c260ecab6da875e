"""The supervisor, with real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest

from strongroom.cli import supervisor as supervision
from strongroom.cli.supervisor import Part, PartFailed, Supervisor

SERVE = "print('ready here', flush=True); import time; time.sleep(60)"


def part(tmp_path: Path, code: str, name: str = "part") -> Part:
    return Part(name, lambda: [sys.executable, "-c", code], tmp_path / f"{name}.log")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def back() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def supervisor(told: list[str], back: asyncio.Event) -> Supervisor:
    def report(text: str) -> None:
        told.append(text)
        if text.endswith("is back"):
            back.set()

    return Supervisor(report, lambda: None)


async def test_a_part_is_ready_when_it_says_so(tmp_path: Path, supervisor: Supervisor) -> None:
    serving = part(tmp_path, SERVE)
    await supervisor.start(serving)
    assert serving.ready_line == "ready here"
    await supervisor.stop()
    assert serving.process is not None
    assert serving.process.returncode == -signal.SIGTERM


async def test_a_part_that_dies_first_fails_the_start_with_its_last_words(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    broken = part(tmp_path, "import sys; sys.exit('no such key')")
    with pytest.raises(PartFailed) as failure:
        await supervisor.start(broken)
    assert failure.value.code == 1
    assert failure.value.log == "no such key"
    await supervisor.stop()


async def test_last_words_are_of_this_start(tmp_path: Path, supervisor: Supervisor) -> None:
    broken = part(tmp_path, "import sys; sys.exit('no such key')")
    broken.log.write_text("what an earlier run said\n")
    with pytest.raises(PartFailed) as failure:
        await supervisor.start(broken)
    assert failure.value.log == "no such key"
    await supervisor.stop()


async def test_a_part_that_dies_later_is_started_again(
    tmp_path: Path,
    supervisor: Supervisor,
    told: list[str],
    back: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    serving = part(tmp_path, SERVE)
    await supervisor.start(serving)
    assert serving.process is not None
    first = serving.process.pid
    os.kill(first, signal.SIGKILL)
    await back.wait()
    assert told[0] == "part ended with code -9; starting it again in 0.01 s"
    assert serving.process.pid != first
    await supervisor.stop()


async def test_a_part_that_cannot_be_started_for_now_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, asyncio.Event] = {"could not be started": asyncio.Event()}
    told["is back"] = asyncio.Event()

    def report(text: str) -> None:
        for words, event in told.items():
            if words in text:
                event.set()

    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    supervisor = Supervisor(report, lambda: None)
    serving = part(tmp_path, SERVE)
    await supervisor.start(serving)
    assert serving.process is not None
    serving.log.unlink()
    serving.log.mkdir()
    os.kill(serving.process.pid, signal.SIGKILL)
    await told["could not be started"].wait()
    serving.log.rmdir()
    await told["is back"].wait()
    await supervisor.stop()


async def test_stop_ends_the_last_started_first(tmp_path: Path, supervisor: Supervisor) -> None:
    record = tmp_path / "ends"
    code = f"""
    import signal, sys, time
    def end(*_):
        open({str(record)!r}, "a").write(sys.argv[1] + " ")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    time.sleep(60)
    """
    for name in ("first", "second"):
        argv = [sys.executable, "-c", textwrap.dedent(code), name]
        await supervisor.start(Part(name, partial(list, argv), tmp_path / f"{name}.log"))
    await supervisor.stop()
    assert record.read_text() == "second first "


def test_parts_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    script = f"""
    import asyncio, sys
    from pathlib import Path
    from strongroom.cli.supervisor import Part, Supervisor
    async def main():
        argv = [sys.executable, "-c", {SERVE!r}]
        part = Part("part", lambda: argv, Path({str(tmp_path)!r}) / "log")
        await Supervisor(print, lambda: None).start(part)
        print(part.process.pid, flush=True)
        await asyncio.sleep(60)
    asyncio.run(main())
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        pidfd = os.pidfd_open(pid)
        process.kill()
    import select

    ended, _, _ = select.select([pidfd], [], [], 30)
    os.close(pidfd)
    assert ended
