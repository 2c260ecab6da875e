"""The API server's process: settings, hardening, serving until a signal, a clean end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import uvloop

from strongroom.process import collect_from_now_on
from strongroom.server.assembly import assemble
from strongroom.server.ground import StartError
from strongroom.server.options import Options, parse_options
from strongroom.server.process import harden
from strongroom.telemetry import log, setup_logging

logger = logging.getLogger("strongroom.server")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; returns the exit code. Wrong usage exits with 2 before anything is made."""
    argv = sys.argv[1:] if argv is None else argv
    options = parse_options(argv)
    harden()
    setup_logging(options.log_format, options.log_level)
    try:
        uvloop.run(serve(options, argv))
    except StartError as error:
        sys.stderr.write(f"strongroom apiserver: {error}\n")
        return 1
    return 0


class Running(Protocol):
    """A server that has been built, of one process or of several."""

    url: str

    async def run(self) -> None:
        """Serve until ``stop``."""
        ...

    async def ready(self) -> None:
        """Wait until connections are served. Raises StartError."""
        ...

    def stop(self) -> None:
        """Begin the end."""
        ...


async def serve(options: Options, argv: Sequence[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError when the start fails.

    ``argv`` is what the options were read from; workers are started with it.
    """
    async with _assembled(options, argv) as server:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        serving = asyncio.create_task(server.run())
        await server.ready()
        collect_from_now_on()
        log(logger, logging.INFO, "serving", url=server.url)
        sys.stdout.write(f"ready {server.url} kubeconfig={options.kubeconfig}\n")
        sys.stdout.flush()
        await serving
        log(logger, logging.INFO, "stopped")


def _assembled(options: Options, argv: Sequence[str]) -> AbstractAsyncContextManager[Running]:
    if options.workers == 1:
        return assemble(options)
    # Imported only here: one process alone has no use for it.
    from strongroom.server.keeper import keep

    return keep(options, argv)
