"""The main process of a server with several workers: it keeps the store, and serves no request.

    connections ──▶ accepted here, handed to the workers in turn
    workers ──▶ the store (ciphertext), the audit log, turns, the metrics of all: kept here, once

It sees no value of a client in the clear.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from strongroom.api.clock import Clock, SystemClock
from strongroom.api.errors import StatusError
from strongroom.server import control
from strongroom.server.audit.outlets import audit_outlets
from strongroom.server.fleet import Fleet, Worker, WorkerFailed
from strongroom.server.ground import Ground, StartError, occupy, start_errors
from strongroom.server.handing import Giver
from strongroom.server.metrics import Metrics
from strongroom.server.options import Options
from strongroom.server.totals import Totals, families_of
from strongroom.server.turns import Turns, TurnTable
from strongroom.storage.serving import StoreServer
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

COUNT_WITHIN = 2.0
"""Seconds that workers have to say what they counted; for the late, what is known counts."""


@contextlib.asynccontextmanager
async def keep(
    options: Options, argv: Sequence[str], clock: Clock | None = None
) -> AsyncIterator[Keeper]:
    """Build a server of several processes; on leaving, everything is closed in reverse order.

    ``argv`` is the command line that the options come from, which the workers are started with.
    Raises StartError for what a person can mend.
    """
    async with contextlib.AsyncExitStack() as stack:
        with start_errors():
            ground = await occupy(options, clock or SystemClock(), stack)
        if ground.opened.encrypting.own is not None:
            # It encrypts nothing, but tells which key the workers encrypt with.
            ground.opened.encrypting.own.begin(stack)
        server = StoreServer(ground.opened.database)
        stack.push_async_callback(server.close)
        with start_errors():
            keeper = Keeper(options, ground, server, argv, clock or SystemClock(), stack)
        stack.push_async_callback(keeper.close)
        yield keeper


class Keeper:
    """Serves the workers. ``stop`` may be called at any time, and more than once."""

    def __init__(
        self,
        options: Options,
        ground: Ground,
        server: StoreServer,
        argv: Sequence[str],
        clock: Clock,
        stack: contextlib.AsyncExitStack,
    ) -> None:
        self.url = ground.url
        self._metrics = Metrics()
        self._audit = audit_outlets(options, clock, self._metrics, stack)
        self._turns: TurnTable[Worker] = TurnTable(self._grant)
        self._totals = Totals()
        self._counts: dict[Worker, list[control.Family]] = {}
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._leader: Worker | None = None
        self._everywhere = ground.membership
        self._in_office = ground.membership is None
        self._held: dict[tuple[Worker, int], asyncio.Event] = {}
        self._stopping = asyncio.Event()
        self._told = ground.told
        self._fleet = Fleet(options.workers, server, self, [self.url, *argv], self._changed)
        self._giver = Giver(ground.sock, self._fleet.takers)
        if self._everywhere is not None:
            self._everywhere.follow(self._lead)

    async def ready(self) -> None:
        """Wait until all workers serve. Raises StartError when one cannot."""
        try:
            await self._fleet.ready()
        except WorkerFailed as error:
            raise StartError(str(error)) from error

    async def run(self) -> None:
        """Serve until ``stop``; returns when all workers have ended."""
        await self._stopping.wait()
        await self.close()

    def stop(self) -> None:
        """Accept nothing more and let the workers end."""
        self._stopping.set()

    async def close(self) -> None:
        """Accept nothing more and wait until the workers have ended."""
        self._giver.stop()
        await self._fleet.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def receive(self, worker: Worker, message: control.FromWorker) -> None:
        """A worker says something."""
        match message:
            case control.AuditLines(lines):
                self._audit.write(lines)
                if self._leader not in (None, worker) and not self._leader.overhear(lines):
                    self._metrics.audit_errors.labels("alerts").inc()
            case control.AuditSettle(number):
                self._begin(self._settle(worker, number))
            case control.Ready():
                self._fleet.note_ready(worker)
            case control.Leaving():
                worker.ready = False
            case control.WantTurn(number, name):
                self._turns.want(worker, number, name)
            case control.EndTurn(number, name):
                self._end_turn(worker, number)
                self._turns.end(worker, number, name)
            case control.Counted(number, families):
                self._counts[worker] = families
                self._answered(number)
            case control.WantMetrics(number):
                self._begin(self._show_metrics(worker, number))

    def came(self, worker: Worker) -> None:
        """A worker has been started."""
        self._changed()

    def gone(self, worker: Worker) -> None:
        """A worker has ended."""
        for holder, number in [*self._held]:
            if holder is worker:
                self._end_turn(worker, number)
        self._turns.gone(worker)
        self._totals.retire(self._counts.pop(worker, []))
        if self._leader is worker:
            self._leader = None
        self._changed()

    def _changed(self) -> None:
        """Have somebody lead, and tell who runs."""
        workers = [worker for worker in self._fleet.workers if worker.there]
        if self._leader is None and workers:
            # One that is ready, if there is any: it can begin at once.
            self._leader = next((w for w in workers if w.ready), workers[0])
            self._leader.say(control.Lead(self._in_office))
        self._told.tell(
            workers=[{"pid": worker.pid, "ready": worker.ready} for worker in workers],
            workerRestarts=self._fleet.restarts,
        )

    def _lead(self, leads: bool) -> None:
        """The server leads all that share its store, from now on or no longer."""
        self._in_office = leads
        if self._leader is not None:
            self._leader.say(control.Lead(leads))

    def _grant(self, worker: Worker, number: int, name: str) -> None:
        """It is a worker's turn here; it has it when it is this server's among all."""
        if self._everywhere is None:
            worker.say(control.YourTurn(number))
        else:
            ended = self._held[worker, number] = asyncio.Event()
            self._begin(have_turn(self._everywhere, worker, number, name, ended))

    def _end_turn(self, worker: Worker, number: int) -> None:
        ended = self._held.pop((worker, number), None)
        if ended is not None:
            ended.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, worker: Worker, number: int) -> None:
        worker.say(control.AuditSettled(number, await self._audit.settle()))

    async def _show_metrics(self, worker: Worker, number: int) -> None:
        """Ask all what they have counted, and answer the one who wants to know."""
        waiting = {}
        for one in self._fleet.workers:
            if one.ready:
                ask = next(self._numbers)
                waiting[ask] = self._asked[ask] = asyncio.get_running_loop().create_future()
                one.say(control.Count(ask))
        await asyncio.wait(waiting.values(), timeout=COUNT_WITHIN)
        for ask in waiting:
            del self._asked[ask]
        own = families_of(self._metrics.registry)
        text = self._totals.render([own, *self._counts.values()])
        worker.say(control.MetricsPage(number, text))

    def _answered(self, number: int) -> None:
        asked = self._asked.get(number)
        if asked is not None and not asked.done():
            asked.set_result(None)


async def have_turn(
    everywhere: Turns, worker: Worker, number: int, name: str, ended: asyncio.Event
) -> None:
    """Have a turn among all servers for a worker, until it has ended."""
    given = False
    try:
        async with everywhere.turn(name):
            worker.say(control.YourTurn(number))
            given = True
            await ended.wait()
    except StatusError as error:
        if not given:
            worker.say(control.NoTurn(number))
            return
        # It may believe that it still has the turn, which is another's by now.
        log(logger, logging.ERROR, "a worker that lost its turn is ended", error)
        worker.kill()
