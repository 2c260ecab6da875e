"""Asking a container something: the exec, httpGet, tcpSocket and sleep of hooks and probes.

Failures say what happened in the kubelet's words; they never hold what the container answered,
which could be a value.
"""

from __future__ import annotations

import asyncio
import ssl

import aiohttp

from strongroom.client.backoff import Sleep
from strongroom.node.runtimes.port import ExecTimeout, Runtime, RuntimeFailure
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_probe import HTTPGetAction, LifecycleHandler, Probe

HOOK_LIMIT = 600.0
"""Seconds that a hook may run where nothing else limits it."""


class HandlerFailed(Exception):
    """The container did not do what was asked, or said no."""


async def run_hook(
    handler: LifecycleHandler,
    container: Container,
    container_id: str,
    *,
    runtime: Runtime,
    address: str,
    sleep: Sleep,
    limit: float,
) -> None:
    """Run a postStart or preStop handler for at most ``limit`` seconds.

    Raises :class:`HandlerFailed`.
    """
    if handler.exec is not None:
        await _execute(runtime, container_id, handler.exec.command, limit)
    elif handler.httpGet is not None:
        await _http_get(handler.httpGet, container, address, limit)
    elif handler.sleep is not None:
        await sleep(min(float(handler.sleep.seconds), limit))
    elif handler.tcpSocket is not None:
        port = resolve_port(container, handler.tcpSocket.port)
        await _connect(handler.tcpSocket.host or address, port, limit)


async def run_probe(
    probe: Probe, container: Container, container_id: str, *, runtime: Runtime, address: str
) -> None:
    """Run a check once, within its own time limit. Raises :class:`HandlerFailed`."""
    limit = float(probe.timeoutSeconds or 1)
    if probe.exec is not None:
        await _execute(runtime, container_id, probe.exec.command, limit)
    elif probe.httpGet is not None:
        await _http_get(probe.httpGet, container, address, limit)
    elif probe.tcpSocket is not None:
        port = resolve_port(container, probe.tcpSocket.port)
        await _connect(probe.tcpSocket.host or address, port, limit)
    elif probe.grpc is not None:
        raise HandlerFailed("grpc probes are not supported by this node")


def resolve_port(container: Container, port: int | str) -> int:
    """The number of a port given by number or name. Raises :class:`HandlerFailed`."""
    if isinstance(port, int):
        return port
    if port.isdecimal():
        return int(port)
    for declared in container.ports:
        if declared.name == port:
            return declared.containerPort
    raise HandlerFailed(f"couldn't find port: {port}")


async def _execute(runtime: Runtime, container_id: str, command: list[str], limit: float) -> None:
    try:
        result = await runtime.run_in(container_id, tuple(command), timeout=limit)
    except ExecTimeout:
        raise HandlerFailed(f"command timed out after {limit:g}s") from None
    except RuntimeFailure as error:
        raise HandlerFailed(str(error)) from error
    if result.code != 0:
        raise HandlerFailed(f"command exited with {result.code}")


async def _http_get(
    action: HTTPGetAction, container: Container, address: str, limit: float
) -> None:
    scheme = (action.scheme or "HTTP").lower()
    host = action.host or address
    port = resolve_port(container, action.port)
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    shown = f"[{host}]" if ":" in host else host
    headers = [(header.name, header.value) for header in action.httpHeaders]
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit)) as session,
            session.get(
                f"{scheme}://{shown}:{port}{path}",
                headers=headers,
                # A container's certificate is its own affair: the kubelet does not verify it.
                ssl=_unverified() if scheme == "https" else True,
                allow_redirects=False,
            ) as response,
        ):
            status = response.status
    except TimeoutError:
        raise HandlerFailed(f"no answer within {limit:g}s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HandlerFailed(f"HTTP request failed: {type(error).__name__}") from error
    if not 200 <= status < 400:
        raise HandlerFailed(f"HTTP probe failed with statuscode: {status}")


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _connect(host: str, port: int, limit: float) -> None:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), limit)
    except TimeoutError:
        raise HandlerFailed(f"no connection within {limit:g}s") from None
    except OSError as error:
        raise HandlerFailed(f"cannot connect: {error.strerror}") from error
    writer.close()
