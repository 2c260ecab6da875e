"""A load generator whose own cost per request is small: prepared bytes over keep-alive TLS.

A general HTTP client would spend more time than the server; this one only frames responses.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from bench.target import Target, cpu_seconds
from strongroom.client.tls import client_context

JSON = "application/json"


@dataclass(slots=True)
class Outcome:
    """Requests done, their latencies in seconds, and how long the whole took.

    ``ended`` is when, on the performance counter. ``own_cpu`` is the processor time of the load
    generator (near ``seconds``, it measures itself), ``server_cpu`` that of the server's
    processes, where they are known.
    """

    seconds: float
    ended: float = 0.0
    own_cpu: float = 0.0
    server_cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        """Successful requests per second."""
        return len(self.latencies) / self.seconds

    @property
    def server_us(self) -> float:
        """Microseconds of the server's processor time for each successful request."""
        return self.server_cpu / max(len(self.latencies), 1) * 1e6

    @property
    def own_share(self) -> float:
        """How busy the load generator was, in percent of one core."""
        return self.own_cpu / self.seconds * 100

    def percentile(self, share: float) -> float:
        """The latency in seconds below which this share of the requests lies."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and how they authenticate."""

    host: str
    port: int
    tls: ssl.SSLContext
    headers: str
    pid: int = 0
    """The server's process, when it runs here."""

    @classmethod
    def of(cls, target: Target) -> Endpoint:
        """The endpoint that a target's kubeconfig names."""
        config = target.config
        parts = urlsplit(config.server)
        headers = f"Host: {parts.netloc}\r\n"
        if config.token:
            headers += f"Authorization: Bearer {config.token}\r\n"
        tls = client_context(config)
        return cls(parts.hostname or "", parts.port or 443, tls, headers, target.pid)

    def get(self, path: str, accept: str = JSON) -> bytes:
        """The bytes of a GET request."""
        return f"GET {path} HTTP/1.1\r\n{self.headers}Accept: {accept}\r\n\r\n".encode()

    def send(
        self, method: str, path: str, body: bytes, kind: str = JSON, accept: str = JSON
    ) -> bytes:
        """The bytes of a request with a body of the ``kind``."""
        head = f"{method} {path} HTTP/1.1\r\n{self.headers}Accept: {accept}\r\n"
        head += f"Content-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Worker(asyncio.Protocol):
    """One connection that keeps exactly one request in flight until ``next_request`` ends."""

    def __init__(self, next_request: Callable[[], bytes | None], outcome: Outcome) -> None:
        self._next = next_request
        self._outcome = outcome
        self._buffer = bytearray()
        self._missing = 0
        self._good = False
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        if self._missing:
            # Within a body of known length: counted and dropped, so that a long list costs little.
            self._missing -= len(data)
            if self._missing == 0:
                self._answered()
            return
        self._buffer += data
        length = response_length(self._buffer)
        if length is None:
            return
        self._good = self._buffer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
        self._missing = length - len(self._buffer)
        self._buffer.clear()
        if self._missing == 0:
            self._answered()

    def _answered(self) -> None:
        if self._good:
            self._outcome.latencies.append(time.perf_counter() - self._sent)
        else:
            self._outcome.failures += 1
        self.step()

    def step(self) -> None:
        """Send the next request, or finish."""
        request = self._next()
        if request is None:
            self.done.set_result(None)
            return
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(request)


def response_length(buffer: bytearray) -> int | None:
    """How long the first response in ``buffer`` is in all; None while that is unknown."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        return end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])
    if b"transfer-encoding: chunked" in head:
        return len(buffer) if buffer.endswith(b"\r\n0\r\n\r\n") else None
    return end + 4


async def run_load(
    endpoint: Endpoint,
    connections: int,
    next_request: Callable[[], bytes | None],
) -> Outcome:
    """Drive ``connections`` in parallel until ``next_request`` gives None to each."""
    loop = asyncio.get_running_loop()
    outcome = Outcome(0.0)
    workers = [
        (
            await loop.create_connection(
                lambda: Worker(next_request, outcome),
                endpoint.host,
                endpoint.port,
                ssl=endpoint.tls,
                server_hostname=endpoint.host,
            )
        )
        for _ in range(connections)
    ]
    server_cpu = cpu_seconds(endpoint.pid)
    began, own_cpu = time.perf_counter(), time.process_time()
    for _, worker in workers:
        worker.step()
    await asyncio.gather(*(worker.done for _, worker in workers))
    outcome.ended = time.perf_counter()
    outcome.seconds = outcome.ended - began
    outcome.own_cpu = time.process_time() - own_cpu
    outcome.server_cpu = cpu_seconds(endpoint.pid) - server_cpu
    for transport, _ in workers:
        transport.close()
    return outcome


def for_seconds(seconds: float, request: Callable[[], bytes]) -> Callable[[], bytes | None]:
    """A source of requests that ends ``seconds`` after the first was asked for."""
    end: float | None = None

    def following() -> bytes | None:
        nonlocal end
        if end is None:
            end = time.perf_counter() + seconds
        return request() if time.perf_counter() < end else None

    return following
