"""A worker: a whole server over the store of its keeper, which started it and outlives it.

    python -m strongroom.server.worker STORE,WORDS,CONNECTIONS,PAGE URL [OPTIONS OF THE SERVER]

The first four are descriptors that the keeper hands down. Without its keeper a worker ends at once:
what it remembers may be out of date by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

import uvloop
from prometheus_client import CollectorRegistry

from strongroom.api.errors import StatusError
from strongroom.server import control
from strongroom.server.assembly import Server, assemble_worker
from strongroom.server.audit.sink import Sink
from strongroom.server.given import Given
from strongroom.server.ground import StartError, start_errors
from strongroom.server.handing import HandedListener
from strongroom.server.membership import Office
from strongroom.server.metrics import Metrics
from strongroom.server.options import Options, parse_options
from strongroom.server.pki import PKI
from strongroom.server.process import harden
from strongroom.server.storage import load_encrypting
from strongroom.server.totals import families_of
from strongroom.server.turns import AskedTurns
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import StoreError
from strongroom.storage.frames import Frames, open_frames
from strongroom.storage.remote import RemoteStore
from strongroom.storage.shared import SharedRevision
from strongroom.telemetry import log, setup_logging

logger = logging.getLogger("strongroom.server")

PR_SET_PDEATHSIG = 1
ORPHANED = 3
"""Exit code of a worker whose keeper is gone."""

ANSWERS_WITHIN = 5.0
"""Seconds in which a healthy keeper answers."""


def main(argv: Sequence[str]) -> int:
    """Run a worker; returns its exit code."""
    die_with_parent()
    descriptors = [int(number) for number in argv[0].split(",")]
    url, options = argv[1], parse_options(argv[2:])
    harden()
    setup_logging(options.log_format, options.log_level)
    try:
        uvloop.run(work(options, url, descriptors))
    except StartError as error:
        sys.stderr.write(f"strongroom apiserver: {error}\n")
        return 1
    return 0


def die_with_parent() -> None:
    """Have the system end this process with its parent, however that ends; Linux only."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def work(options: Options, url: str, descriptors: Sequence[int]) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError when the start fails."""
    store, words, connections, page = descriptors
    async with contextlib.AsyncExitStack() as stack:
        source = stack.enter_context(socket.socket(fileno=connections))
        with start_errors():
            link = await Link.open(socket.socket(fileno=words))
            stack.push_async_callback(link.close)
            shared = SharedRevision.attach(page)
            remote = await RemoteStore.connect(socket.socket(fileno=store), shared, orphaned)
            stack.push_async_callback(remote.close)
            encrypting = load_encrypting(options.data_dir, options.encryption)
        given = Given(
            EncryptedStore(remote, encrypting.values),
            encrypting,
            PKI(options.pki_dir),
            url,
            lambda: _answers(remote),
            link.turns,
            link.counting,
            lambda metrics: link.metrics_of_all(),
            lambda app, context: HandedListener(app, source, context),
            behind=True,
            shared=not remote.alone,
        )
        await _serve(await stack.enter_async_context(assemble_worker(options, given)), link)


async def _answers(store: RemoteStore) -> None:
    """The health check: the keeper has the store and answers. Raises StoreError, TimeoutError."""
    async with asyncio.timeout(ANSWERS_WITHIN):
        await store.ping()


class Link:
    """What a worker and its keeper say to each other, as seen from the worker.

    It is also the worker's audit log, of which the keeper is the only writer.
    """

    def __init__(self) -> None:
        self.lead = asyncio.Event()
        """Set when this worker is to do what one worker of a server does."""
        self.office: Callable[[bool], None] = lambda held: None
        """Told whether the server leads all that share its store."""
        self.in_office = False
        self.turns = AskedTurns(self.say)
        self._frames: Frames | None = None
        self._registry: CollectorRegistry | None = None
        self._lines: list[bytes] = []
        self._listeners: list[Sink] = []
        self._numbers = itertools.count(1)
        self._pages: dict[int, asyncio.Future[bytes]] = {}
        self._settling: dict[int, asyncio.Future[bool]] = {}
        self._settled = True

    @classmethod
    async def open(cls, sock: socket.socket) -> Link:
        """Take over the worker's end. Raises OSError."""
        link = cls()
        link._frames = await open_frames(sock, link._receive, orphaned)
        return link

    async def close(self) -> None:
        """Say what is left to be said, and no more."""
        self._flush()
        if self._frames is not None:
            ended = asyncio.Event()
            self._frames.lost = ended.set
            self._frames.close()
            await ended.wait()

    def say(self, message: control.FromWorker) -> None:
        """Tell the keeper something."""
        if self._frames is not None:
            self._frames.send(control.encode(message))

    def counting(self, metrics: Metrics) -> Link:
        """Tell from now on what is counted in these metrics."""
        self._registry = metrics.registry
        return self

    def write(self, line: bytes) -> None:
        """Hand an audit event on, together with the others of this turn of the event loop."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)
        for listener in self._listeners:
            listener.write(line)

    def add(self, sink: Sink) -> None:
        """Hand events to one more, and those of other workers while this one leads."""
        self._listeners.append(sink)

    async def settle(self) -> bool:
        """Wait until the keeper has passed on what was written; False when it cannot."""
        if self._settled and not self._lines:
            return True
        self._flush()
        number = next(self._numbers)
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settling[number] = settled
        self.say(control.AuditSettle(number))
        try:
            return await settled
        finally:
            del self._settling[number]

    async def metrics_of_all(self) -> bytes:
        """The metrics of all processes of the server, as Prometheus reads them."""
        number = next(self._numbers)
        page: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pages[number] = page
        self.say(control.WantMetrics(number))
        try:
            return await page
        finally:
            del self._pages[number]

    def _flush(self) -> None:
        if self._lines:
            self.say(control.AuditLines(b"".join(self._lines)))
            self._settled = False
            self._lines.clear()

    def _receive(self, content: bytes) -> None:
        match control.from_keeper(content):
            case control.Lead(office):
                self.lead.set()
                self.in_office = office
                self.office(office)
            case control.OthersLines(lines):
                for listener in self._listeners:
                    listener.write(lines)
            case control.AuditSettled(number, settled):
                self._settled = settled
                if number in self._settling and not self._settling[number].done():
                    self._settling[number].set_result(settled)
            case control.YourTurn(number) | control.NoTurn(number) as answer:
                self.turns.answered(number, given=isinstance(answer, control.YourTurn))
            case control.Count(number):
                families = [] if self._registry is None else families_of(self._registry)
                self.say(control.Counted(number, families))
            case control.MetricsPage(number, text):
                waiting = self._pages.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(text)


async def _serve(server: Server, link: Link) -> None:
    def stop() -> None:
        link.say(control.Leaving())
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    prepared = asyncio.Event()
    leading = asyncio.create_task(_lead(server, link, prepared))
    if link.lead.is_set():
        # Nobody serves before there is what every cluster has.
        await prepared.wait()
    serving = asyncio.create_task(server.run())
    await server.ready()
    link.say(control.Ready())
    await serving
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


async def _lead(server: Server, link: Link, prepared: asyncio.Event) -> None:
    """Do what one worker does, when this one is appointed; who cannot, ends for another."""
    await link.lead.wait()
    try:
        await server.prepare()
    except (StatusError, StoreError) as error:
        log(logger, logging.ERROR, "this worker cannot lead and ends", error)
        server.stop()
        return
    finally:
        prepared.set()
    async with contextlib.AsyncExitStack() as stack:
        office = Office(server.take_up)
        office.begin(stack)
        link.office = office.hold
        office.hold(link.in_office)
        await asyncio.Event().wait()


def orphaned() -> None:
    """The keeper is gone: nothing that this process knows may be served any more."""
    log(logger, logging.ERROR, "the keeper of the store is gone: this worker ends")
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
