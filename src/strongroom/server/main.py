"""The API server's process: settings, hardening, serving until a signal, a clean end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

import uvloop

from strongroom.server.assembly import StartError, assemble
from strongroom.server.options import Options, parse_options
from strongroom.server.process import harden
from strongroom.telemetry import log, setup_logging

logger = logging.getLogger("strongroom.server")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; returns the exit code. Wrong usage exits with 2 before anything is made."""
    options = parse_options(sys.argv[1:] if argv is None else argv)
    harden()
    setup_logging(options.log_format, options.log_level)
    try:
        uvloop.run(serve(options))
    except StartError as error:
        sys.stderr.write(f"strongroom apiserver: {error}\n")
        return 1
    return 0


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError when the start fails."""
    async with assemble(options) as server:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        serving = asyncio.create_task(server.run())
        await server.ready()
        log(logger, logging.INFO, "serving", url=server.url)
        sys.stdout.write(f"ready {server.url} kubeconfig={options.kubeconfig}\n")
        sys.stdout.flush()
        await serving
        log(logger, logging.INFO, "stopped")
