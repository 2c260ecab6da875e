"""The node's HTTPS endpoint: where the API server fetches the logs of containers.

Only the API server's own client certificate opens it: TLS already refuses who has no certificate
of the cluster's CA, and of those only the kubelet client and ``system:masters`` pass.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from aiohttp import web

from strongroom.api.times import parse_time
from strongroom.node.pods import PodManager
from strongroom.node.records import Record
from strongroom.node.runtimes.port import LogOptions, Runtime, UnknownContainer
from strongroom.resources.pod import Pod

_log = logging.getLogger("strongroom.node")

CLIENT_NAME = "kube-apiserver-kubelet-client"
MASTERS = "system:masters"


class BadLogRequest(Exception):
    """The logs cannot be had: an HTTP status and a text in the kubelet's words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Endpoint:
    """Serves ``/containerLogs/NAMESPACE/POD/CONTAINER`` and ``/healthz``."""

    def __init__(self, pods: PodManager, runtime: Runtime) -> None:
        self._pods = pods
        self._runtime = runtime
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Serve; the port, which the system picks when ``port`` is 0."""
        app = web.Application(middlewares=[_only_the_server])
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_get("/healthz", _healthz)
        # Streams of `logs -f` do not end by themselves: they are cut when the node stops.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        await site.start()
        address = self._runner.addresses[0]
        return int(address[1])

    async def close(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        try:
            options, previous = log_options(request.query)
            container_id = self._find(request.match_info, previous=previous)
            chunks = self._runtime.logs(container_id, options)
        except BadLogRequest as error:
            return web.Response(status=error.status, text=str(error))
        except UnknownContainer:
            return web.Response(status=400, text="the logs of this container are gone")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            async for chunk in chunks:
                await response.write(chunk)
            await response.write_eof()
        except ConnectionError:
            # The reader left, as `kubectl logs -f` does with Ctrl-C: no error, and nobody to tell.
            _log.debug("a log stream was cut")
        return response

    def _find(self, where: Mapping[str, str], *, previous: bool) -> str:
        namespace, name, container = where["namespace"], where["pod"], where["container"]
        worker = self._pods.find(namespace, name)
        if worker is None:
            raise BadLogRequest(404, f'pod "{name}" does not exist')
        record = next((r for r in worker.records if r.name == container), None)
        if record is None:
            text = f'container "{container}" in pod "{name}" is not available'
            raise BadLogRequest(404, text)
        return log_source(worker.pod, record, previous=previous)


def log_source(pod: Pod, record: Record, *, previous: bool) -> str:
    """The id of the attempt whose log is meant. Raises :class:`BadLogRequest`."""
    name, container = pod.metadata.name, record.name
    blocked = record.waiting is not None and not record.running
    last = record.ended if blocked else record.ended_before
    if previous:
        if last is None or not last.container_id:
            text = f'previous terminated container "{container}" in pod "{name}" not found'
            raise BadLogRequest(400, text)
        return last.container_id
    if record.running:
        return record.container_id
    if record.ended is not None and record.ended.container_id:
        return record.ended.container_id
    starting = "PodInitializing" if pod.spec.initContainers else "ContainerCreating"
    reason = record.waiting.reason if record.waiting else starting
    text = f'container "{container}" in pod "{name}" is waiting to start: {reason}'
    raise BadLogRequest(400, text)


def log_options(query: Mapping[str, str]) -> tuple[LogOptions, bool]:
    """What a log request asks for, and whether it means the previous attempt.

    Raises :class:`BadLogRequest`.
    """
    options = LogOptions(
        follow=_flag(query, "follow"),
        tail_lines=_number(query, "tailLines", least=0),
        since_seconds=_number(query, "sinceSeconds", least=1),
        since_time=_moment(query, "sinceTime"),
        limit_bytes=_number(query, "limitBytes", least=1),
        timestamps=_flag(query, "timestamps"),
        stream=_stream(query),
    )
    return options, _flag(query, "previous")


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in ("true", "1", "True", "TRUE", "t", "T")


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name, "")
    if not text or text == "all":
        return None
    if not text.removeprefix("-").isdecimal() or int(text) < least:
        raise BadLogRequest(400, f"{name} must be a number of at least {least}")
    return int(text)


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise BadLogRequest(400, f"{name} is not a time") from None


def _stream(query: Mapping[str, str]) -> Literal["stdout", "stderr"] | None:
    match query.get("stream", "All"):
        case "Stdout":
            return "stdout"
        case "Stderr":
            return "stderr"
        case _:
            return None


@web.middleware
async def _only_the_server(request: web.Request, handler: object) -> web.StreamResponse:
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    if not admits(certificate or {}):
        return web.Response(status=403, text="Forbidden")
    return await handler(request)  # type: ignore[operator,no-any-return]  # aiohttp's handler type


def admits(certificate: Mapping[str, object]) -> bool:
    """Whether this verified certificate (``getpeercert()``) is the API server's."""
    names: dict[str, set[str]] = {}
    subject = certificate.get("subject", ())
    if not isinstance(subject, tuple):
        return False
    for relative in subject:
        for key, value in relative:
            names.setdefault(key, set()).add(value)
    if CLIENT_NAME in names.get("commonName", set()):
        return True
    return MASTERS in names.get("organizationName", set())


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok")
