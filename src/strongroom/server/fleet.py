"""The keeper's workers: started, started again when they die, appointed, asked, stopped.

Each worker has three pairs of sockets with the keeper: for the store (``storage/serving.py``), for
what else they say (``control.py``) and for the connections that it is to serve (``handing.py``).
When a worker dies, what it asked of the store is settled before anything else is done about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from strongroom.server import control
from strongroom.server.handing import pair
from strongroom.server.serving import GRACE
from strongroom.storage.frames import Frames, open_frames
from strongroom.storage.serving import StoreServer
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds until a worker that died is started again: at first, and when it happens all the time."""

STEADY_AFTER = 60.0
"""Seconds after which a worker's end is no longer part of a row of failures."""

_STOP_GRACE = GRACE + 5.0
_AGAIN = 0.5
_MOST_UNSENT = 16 * 1024 * 1024
"""Bytes of audit events that a worker may be behind."""


class WorkerFailed(Exception):
    """A worker ended before it was ever ready: the set-up is wrong, and it has said why."""


class Desk(Protocol):
    """Takes what workers say."""

    def receive(self, worker: Worker, message: control.FromWorker) -> None:
        """A worker says something."""
        ...

    def came(self, worker: Worker) -> None:
        """A worker has been started and can be told things."""
        ...

    def gone(self, worker: Worker) -> None:
        """A worker has ended, and nothing of what it asked of the store is under way."""
        ...


class Worker:
    """One life of a worker process."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid = 0
        self.ready = False
        self.connections: socket.socket | None = None
        self._frames: Frames | None = None

    @property
    def there(self) -> bool:
        """Whether the worker can be told things."""
        return self._frames is not None

    def say(self, message: control.FromKeeper) -> None:
        """Tell the worker something."""
        if self._frames is not None:
            self._frames.send(control.encode(message))

    def kill(self) -> None:
        """End it at once; it is started again."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def overhear(self, lines: bytes) -> bool:
        """Tell the worker audit events of others; False when it is too far behind to be told."""
        if self._frames is not None and self._frames.unsent > _MOST_UNSENT:
            return False
        self.say(control.OthersLines(lines))
        return True

    async def run(self, server: StoreServer, desk: Desk, argv: Sequence[str]) -> int:
        """Start the process and serve it to its end; its exit code. Raises OSError."""
        with contextlib.ExitStack() as stack:
            pairs = [socket.socketpair(), socket.socketpair(), pair()]
            for ours, theirs in pairs:
                stack.callback(ours.close)
                stack.callback(theirs.close)
            (store, _), (words, _), (self.connections, _) = pairs
            self.connections.setblocking(False)
            handed = [theirs.fileno() for _, theirs in pairs] + [server.page.fd]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "strongroom.server.worker", ",".join(map(str, handed)), *argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=handed,
                # Ctrl-C at a terminal is for the keeper, which ends the workers in order.
                start_new_session=True,
            )
            for _, theirs in pairs:
                theirs.close()
            self.pid = process.pid
            client = await server.attach(store)
            silent = asyncio.Event()
            self._frames = await open_frames(
                words, lambda content: desk.receive(self, control.from_worker(content)), silent.set
            )
            desk.came(self)
            code = await process.wait()
            self.ready, self.connections, self.pid = False, None, 0
            # Its last words and its last writes may still be on their way.
            await silent.wait()
            await client.drained()
            self._frames = None
            desk.gone(self)
            return code

    def signal(self, number: int) -> None:
        """Send a signal, if there is a process."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Fleet:
    """Keeps ``count`` workers running. ``changed`` is called when one comes or goes."""

    def __init__(
        self,
        count: int,
        server: StoreServer,
        desk: Desk,
        argv: Sequence[str],
        changed: Callable[[], None],
    ) -> None:
        self._server = server
        self._desk = desk
        self._argv = argv
        self._changed = changed
        self._stopping = asyncio.Event()
        self._all_ready = asyncio.Event()
        self.workers = [Worker(number) for number in range(count)]
        self.restarts = 0
        self._tasks = [asyncio.create_task(self._keep(number)) for number in range(count)]

    async def ready(self) -> None:
        """Wait until every worker serves. Raises WorkerFailed when one ends before that."""
        waiting = asyncio.create_task(self._all_ready.wait())
        await asyncio.wait([*self._tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self._all_ready.is_set():
            for task in self._tasks:
                if task.done():
                    task.result()
            raise WorkerFailed("the server was stopped before its workers were ready")

    def note_ready(self, worker: Worker) -> None:
        """A worker says that it can serve."""
        worker.ready = True
        if all(one.ready for one in self.workers):
            self._all_ready.set()
        self._changed()

    def takers(self) -> list[socket.socket]:
        """Where connections can be handed to."""
        return [w.connections for w in self.workers if w.ready and w.connections is not None]

    async def stop(self) -> None:
        """End all workers as SIGTERM does; those that do not end in time are killed."""
        self._stopping.set()
        loop = asyncio.get_running_loop()
        end, late = loop.time() + _STOP_GRACE, set(self._tasks)
        while late:
            # Again and again: one that was just being started had no process to be told.
            number = signal.SIGTERM if loop.time() < end else signal.SIGKILL
            for worker in self.workers:
                worker.signal(number)
            done, late = await asyncio.wait(late, timeout=_AGAIN)
            for task in done:
                task.exception()  # Raised to whoever waited for the workers to be ready.

    async def _keep(self, number: int) -> None:
        pause, loop = FIRST_PAUSE, asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            worker = self.workers[number] = Worker(number)
            try:
                code = await worker.run(self._server, self._desk, self._argv)
            except OSError as error:
                log(logger, logging.ERROR, "worker not started", error, worker=number)
                code = -1
            if self._stopping.is_set():
                return
            if not self._all_ready.is_set():
                raise WorkerFailed(f"worker {number} ended with code {code} before it was ready")
            if loop.time() - began > STEADY_AFTER:
                pause = FIRST_PAUSE
            log(logger, logging.ERROR, "worker ended", worker=number, code=code, pause=pause)
            self.restarts += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE)
