"""What the pipeline answers, and how it is sent: headers, warnings, compression."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache

from strongroom.access.authz.union import MARKUP
from strongroom.api.errors import Status
from strongroom.api.gotext import quote
from strongroom.server.exchange import STATUS_LINES, Exchange
from strongroom.server.request import Request

Header = tuple[bytes, bytes]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

PRIVATE = b"no-cache, private"
"""Of every answer that may hold objects: Secrets must not stay in anybody's cache."""

GZIP_FROM = 128 * 1024
"""Bytes from which a body is compressed for a client that takes gzip; upstream's threshold."""

WARNING_LIMIT = 256
WARNINGS_TOTAL = 4 * 1024
"""Longest warning, and all of them together; longer ones are cut, as upstream does."""


@dataclass(slots=True)
class Reply:
    """A whole answer. The repr shows no body."""

    body: bytes = field(default=b"", repr=False)
    status: int = 200
    content_type: str = JSON
    headers: list[Header] = field(default_factory=list)
    failure: Status | None = None
    """The Status in the body, for the audit log."""
    cache_control: bytes = PRIVATE
    unexpected: bool = False
    """Whether the failure is a fault of the server's own."""


@dataclass(slots=True)
class StreamReply:
    """An answer that goes on: a watch, a followed log. ``chunks`` is closed at the end."""

    chunks: AsyncGenerator[bytes, None] = field(repr=False)
    content_type: str = JSON
    status: int = 200
    headers: list[Header] = field(default_factory=list)
    ended: Callable[[], None] | None = None
    """Called when the answer is over, however it ends."""


def too_many_requests() -> Reply:
    """The answer of an overloaded server, in upstream's words and form."""
    return Reply(
        b"Too many requests, please try again later.\n",
        429,
        TEXT,
        [(b"retry-after", b"1"), (b"x-content-type-options", b"nosniff")],
    )


def internal_server_error(request: Request, what: str) -> Reply:
    """The answer where something failed before anything was done, in upstream's form.

    ``what`` holds no value.
    """
    text = f"Internal Server Error: {quote(request.uri)}: {what}".translate(MARKUP)
    headers = [(b"x-content-type-options", b"nosniff")]
    return Reply(f"{text}\n".encode(errors="replace"), 500, TEXT, headers)


async def send_reply(request: Request, reply: Reply, exchange: Exchange) -> None:
    """Send a whole answer."""
    body = reply.body
    head = head_of(
        request, reply.status, reply.content_type, reply.headers, cache_control=reply.cache_control
    )
    if len(body) > GZIP_FROM and _takes_gzip(request):
        # Level 1, as upstream: the network is saved most of the bytes for little time. In a
        # thread, because ten megabytes would keep everybody else waiting for a tenth of a second.
        body = await asyncio.to_thread(gzip.compress, body, compresslevel=1)
        head += b"content-encoding: gzip\r\nvary: Accept-Encoding\r\n"
    if reply.status not in (204, 304):
        head = b"%bcontent-length: %d\r\n" % (head, len(body))
    await exchange.answer(head, body)


def head_of(
    request: Request,
    status: int,
    content_type: str,
    extra: Iterable[Header],
    *,
    cache_control: bytes = PRIVATE,
) -> bytes:
    """Status line and the headers of every answer. Raises RuntimeError for a line end in one."""
    second = int(request.received.timestamp())
    start = _start(status, content_type, cache_control, second)
    head = b"%b%b\r\n" % (start, request.audit_id.encode())
    if request.warnings:
        extra = [*extra, *warning_headers(request.warnings)]
    for name, value in extra:
        if b"\n" in value or b"\r" in value:
            raise RuntimeError("a header holds the end of a line")
        head += b"%b: %b\r\n" % (name, value)
    return head


@lru_cache(maxsize=256)
def _start(status: int, content_type: str, cache_control: bytes, second: int) -> bytes:
    return b"%bcache-control: %b\r\ncontent-type: %b\r\ndate: %b\r\naudit-id: " % (
        STATUS_LINES[status],
        cache_control,
        content_type.encode(),
        formatdate(second, usegmt=True).encode(),
    )


def warning_headers(warnings: Iterable[str]) -> list[Header]:
    """``Warning: 299 - "text"``, cut to upstream's limits, quoted as RFC 7234 wants."""
    headers, total = [], 0
    for text in warnings:
        clean = "".join(c if c.isprintable() else " " for c in text)[:WARNING_LIMIT]
        quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
        value = f'299 - "{quoted}"'.encode()
        total += len(value)
        if total > WARNINGS_TOTAL:
            break
        headers.append((b"warning", value))
    return headers


def _takes_gzip(request: Request) -> bool:
    offers = request.headers.get("accept-encoding", "").lower().split(",")
    return any(_offer(offer) for offer in offers)


def _offer(offer: str) -> bool:
    coding, _, parameter = offer.partition(";")
    return coding.strip() in ("gzip", "*") and parameter.replace(" ", "") not in ("q=0", "q=0.0")
