"""Keeps processes running: starts parts in order, restarts what dies, stops all cleanly.

A part is ready when it prints a line that begins with ``ready`` on its standard output. Its log
(standard error) goes to a file of its own. A part that dies before it was ever ready is a mistake
of set-up and ends the start; one that dies later is restarted with a growing pause. Parts are told
by the kernel when the supervisor dies (PR_SET_PDEATHSIG), so none outlives it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0
STOP_GRACE = 20.0
START_LIMIT = 60.0
PR_SET_PDEATHSIG = 1


class PartFailed(Exception):
    """A part ended before it was ready; ``code`` is its exit code, ``log`` its last words."""

    def __init__(self, name: str, code: int, log: str) -> None:
        super().__init__(f"{name} exited with code {code} before it was ready")
        self.name = name
        self.code = code
        self.log = log


@dataclass(slots=True)
class Part:
    """One supervised process. ``argv`` is asked at each start, since ports become known late."""

    name: str
    argv: Callable[[], Sequence[str]]
    log: Path
    ready_line: str = ""
    restarts: int = 0
    process: asyncio.subprocess.Process | None = None
    log_start: int = 0
    """Size of the log when the part was last started, in bytes: what follows is this run's."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs parts until told to stop. ``report`` receives one line for each event worth telling."""

    def __init__(self, report: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._report = report
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] | None = None
        self._stopping = False
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.parts: list[Part] = []

    async def start(self, part: Part) -> None:
        """Start a part and wait until it is ready.

        Raises PartFailed when it dies first and TimeoutError after ``START_LIMIT`` seconds.
        """
        self.parts.append(part)
        task = asyncio.create_task(self._keep(part), name=f"keep-{part.name}")
        self._tasks[part.name] = task
        waiting = asyncio.create_task(part.ready.wait())
        try:
            done, _ = await asyncio.wait(
                {task, waiting}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        if task in done:
            task.result()
        elif not done:
            raise TimeoutError(
                f"{part.name} was not ready after {START_LIMIT:.0f} s; see {part.log}"
            )

    async def stop(self) -> None:
        """End all parts, the last started first, each with a grace period before SIGKILL."""
        self._stopping = True
        for part in reversed(self.parts):
            task = self._tasks[part.name]
            if part.process is not None and part.process.returncode is None:
                await _terminate(part.process)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, PartFailed, OSError):
                await task

    async def _keep(self, part: Part) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            end = await self._attempt(part)
            if self._stopping:
                return
            if loop.time() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            self._report(f"{part.name} {end}; starting it again in {pause:g} s")
            self._changed()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            part.restarts += 1

    async def _attempt(self, part: Part) -> str:
        """Run the part once and say how that ended. Raises when the part was never ready."""
        try:
            code = await self._run(part)
        except OSError as error:
            # No process or no log to be had now (limits, a full disk): later there may be.
            if not part.ready.is_set():
                raise
            return f"could not be started ({error.strerror})"
        if not part.ready.is_set() and not self._stopping:
            raise PartFailed(part.name, code, tail(part.log, part.log_start))
        return f"ended with code {code}"

    async def _run(self, part: Part) -> int:
        """Run the part once, to its end."""
        descriptor = os.open(part.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        part.log_start = os.fstat(descriptor).st_size
        try:
            process = await asyncio.create_subprocess_exec(
                *part.argv(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=self._die_with_parent,
            )
        finally:
            os.close(descriptor)
        part.process = process
        self._changed()
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for above
        async for line in process.stdout:
            text = line.decode(errors="replace").strip()
            if text.startswith("ready"):
                part.ready_line = text
                if part.restarts:
                    self._report(f"{part.name} is back")
                part.ready.set()
        return await process.wait()

    def _die_with_parent(self) -> None:
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _terminate(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_GRACE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def tail(path: Path, start: int = 0, lines: int = 5) -> str:
    """The last lines of a part's log, of those that stand behind ``start`` bytes."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
