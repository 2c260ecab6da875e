"""HTTPS servers on loopback for tests that play somebody whom our server calls."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler


@contextlib.asynccontextmanager
async def serving(app: web.Application, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve at a free port, which is told. At the end every connection is broken."""
    transports: set[asyncio.Transport | None] = set()

    @web.middleware
    async def noting(request: web.Request, handler: Handler) -> web.StreamResponse:
        transports.add(request.transport)
        return await handler(request)

    app.middlewares.append(noting)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        for transport in transports:
            if transport is not None:
                transport.abort()
        # Connections end in the next turns of a loop that may be stopped right after this.
        for _ in range(5):
            await asyncio.sleep(0)
