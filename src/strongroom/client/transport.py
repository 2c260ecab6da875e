"""HTTP to one API server: authentication, errors as Status, streams. Knows no kinds."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from strongroom.api.clock import Clock, SystemClock
from strongroom.client.config import ClientConfig
from strongroom.client.errors import InvalidConfig, Unreachable, translated
from strongroom.client.exec_plugin import Issued, PluginCredentials
from strongroom.client.statuses import error_of
from strongroom.client.tls import client_context

Params = Mapping[str, str]

_WARNING = re.compile(r'\b299 [^ ,"]+ "((?:[^"\\]|\\.)*)"')
_TOKEN_FILE_SECONDS = 60.0
_LAST_MOMENT = 1.0
"""Seconds that closing waits for connections that are just being opened."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; the body may hold values and stays out of the repr."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport:
    """One server, one user, one pool of connections. Use it as an async context manager.

    ``timeout`` (seconds) bounds an ordinary request; streams end when the server or caller ends
    them. Raises StatusError for what the server refuses, :class:`Unreachable` for no answer.
    ``heard`` is called with the text of each warning that comes with an answer.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str = "strongroom",
        timeout: float = 30.0,
        clock: Clock | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self._heard = heard
        self._user_agent = user_agent
        self._timeout = timeout
        self._clock = clock or SystemClock()
        self._tls = client_context(config) if config.server.startswith("https:") else None
        self._plugin = PluginCredentials(config.plugin, self._clock) if config.plugin else None
        self._issued: Issued | None = None
        self._session: aiohttp.ClientSession | None = None
        self._retired: aiohttp.ClientSession | None = None
        """Of connections that show credentials of before the last change."""
        self._streams: set[aiohttp.ClientResponse] = set()
        self._opening: set[asyncio.Task[aiohttp.ClientResponse]] = set()
        self._file_token = ""
        self._file_token_read_at: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; open streams end."""
        if self._opening:
            await asyncio.wait(self._opening, timeout=_LAST_MOMENT)
        sessions = [each for each in (self._session, self._retired) if each is not None]
        self._session = self._retired = None
        for session in sessions:
            await session.close()
        if sessions:
            # Aborted connections are told so in the loop's next rounds; the loop may end now.
            for _ in range(3):
                await asyncio.sleep(0)

    async def renew(self, config: ClientConfig) -> None:
        """Show other credentials from now on; streams, whose connections showed the old ones, end.

        Whoever follows one is told that the connection broke.
        """
        tls = client_context(config) if config.server.startswith("https:") else None
        self.config, self._tls = config, tls
        await self._retire()

    async def _retire(self) -> None:
        """Make new connections from now on, and end open streams.

        What was asked is still answered: the old connections are closed when nobody has used them
        for a while.
        """
        ended, self._retired, self._session = self._retired, self._session, None
        for stream in tuple(self._streams):
            _hang_up(stream)
        if ended is not None:
            await ended.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        within: float | None = None,
    ) -> Response:
        """One request and its whole answer, ``within`` so many seconds, if not as ever.

        Raises StatusError from a 4xx or 5xx answer.
        """
        what = f"{method} {path}"
        limit = aiohttp.ClientTimeout(total=within or self._timeout)
        await self._ask_plugin()
        with translated(what):
            opening = self._open(method, path, params, body, content_type, accept, limit)
            async with await self._opened(opening) as got:
                response = Response(got.status, got.headers, await got.read())
                warnings = got.headers.getall("Warning", [])
        if self._heard is not None:
            for text in warning_texts(warnings):
                self._heard(text)
        self._check(response)
        return response

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        params: Params | None = None,
        accept: str = "application/json",
        idle_timeout: float | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A GET whose answer arrives in chunks; leaving the block closes the connection.

        ``idle_timeout`` (seconds) without a byte raises :class:`Unreachable`.
        """
        what = f"GET {path}"
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._timeout, sock_read=idle_timeout
        )
        await self._ask_plugin()
        with translated(what):
            opening = self._open("GET", path, params, None, "", accept, timeout)
            got = await self._opened(opening)
        # Outside `translated`: the block's own errors are not the connection's.
        self._streams.add(got)
        try:
            if got.status >= 400:
                with translated(what):
                    body = await got.read()
                self._check(Response(got.status, got.headers, body))
            yield _chunks(got, what)
        finally:
            self._streams.discard(got)
            _hang_up(got)

    async def _ask_plugin(self) -> None:
        """Have the credentials that a program gives, if the configuration names one.

        A new certificate needs new connections; open streams end, as they do in client-go.
        """
        if self._plugin is None:
            return
        issued, before = await self._plugin.current(), self._issued
        self._issued = issued
        pair = (issued.client_cert, issued.client_key)
        if issued.client_cert and (not before or pair != (before.client_cert, before.client_key)):
            self._tls = client_context(
                replace(self.config, client_cert=issued.client_cert, client_key=issued.client_key)
            )
            await self._retire()

    def _check(self, response: Response) -> None:
        """Raise the error of an answer of 400 and above."""
        if response.status < 400:
            return
        if response.status == 401 and self._plugin is not None:
            self._plugin.refused(self._issued)
        raise error_of(response.status, response.body)

    async def _opened(
        self, opening: Coroutine[Any, Any, aiohttp.ClientResponse]
    ) -> aiohttp.ClientResponse:
        """Wait for the answer to begin; who is cancelled meanwhile leaves no connection behind.

        A TLS handshake that is cancelled halfway leaks its socket (CPython's asyncio), so it goes
        on by itself, and what comes of it is dropped.
        """
        task = asyncio.ensure_future(opening)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_drop)
            raise

    def _open(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: bytes | None,
        content_type: str,
        accept: str,
        timeout: aiohttp.ClientTimeout,
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        headers = {"Accept": accept, "User-Agent": self._user_agent, **self._credentials()}
        if body is not None:
            headers["Content-Type"] = content_type
        query = f"?{urlencode(params)}" if params else ""
        return self._connections().request(
            method,
            # Already escaped: quoting again would change names that hold a percent sign.
            URL(self.config.server + path + query, encoded=True),
            data=body,
            headers=[*headers.items(), *_impersonation(self.config)],
            timeout=timeout,
            server_hostname=self.config.tls_server_name or None,
            # A redirect could carry the credentials to another server.
            allow_redirects=False,
            proxy=self.config.proxy or None,
        )

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit: every watch holds a connection of its own.
            connector = aiohttp.TCPConnector(limit=0, ssl=True if self._tls is None else self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type"),
                max_line_size=65536,
                max_field_size=65536,
            )
        return self._session

    def _credentials(self) -> dict[str, str]:
        config = self.config
        headers = {}
        issued = self._issued.token if self._issued else ""
        # As client-go: the file, which may be renewed, before the token; both before a program's.
        token = self._token_of_file() or config.token or issued
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif config.username:
            pair = f"{config.username}:{config.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        return headers

    def _token_of_file(self) -> str:
        """The token file's content, read again each minute: tokens of pods are rotated."""
        if self.config.token_file is None:
            return ""
        now = self._clock.monotonic()
        read_at = self._file_token_read_at
        if read_at is None or now - read_at >= _TOKEN_FILE_SECONDS:
            try:
                self._file_token = self.config.token_file.read_text().strip()
            except OSError as error:
                message = f"cannot read {self.config.token_file}: {error.strerror}"
                raise InvalidConfig(message) from error
            self._file_token_read_at = now
        return self._file_token


def warning_texts(headers: Iterable[str]) -> list[str]:
    """The texts of Warning headers (RFC 7234, 5.5) with code 299, which servers tell people by."""
    found = (text for header in headers for text in _WARNING.findall(header))
    return [re.sub(r"\\(.)", r"\1", text) for text in found]


def _impersonation(config: ClientConfig) -> Iterator[tuple[str, str]]:
    """The headers that ask to act as another (``k8s.io/client-go/transport``)."""
    if config.impersonate_user:
        yield "Impersonate-User", config.impersonate_user
    if config.impersonate_uid:
        yield "Impersonate-Uid", config.impersonate_uid
    for group in config.impersonate_groups:
        yield "Impersonate-Group", group
    for key, value in config.impersonate_extra:
        yield f"Impersonate-Extra-{quote(key.lower(), safe='')}", value


def _drop(task: asyncio.Task[aiohttp.ClientResponse]) -> None:
    if not task.cancelled() and task.exception() is None:
        _hang_up(task.result())


def _hang_up(response: aiohttp.ClientResponse) -> None:
    """End a stream that nobody reads to its end, without the goodbyes of TLS.

    Those would wait for the server's answer, which may be away, or be busy sending.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


async def _chunks(response: aiohttp.ClientResponse, what: str) -> AsyncIterator[bytes]:
    with translated(what):
        while chunk := await _read(response, what):
            yield chunk


async def _read(response: aiohttp.ClientResponse, what: str) -> bytes:
    """The next bytes; none at the end."""
    try:
        return await response.content.readany()
    except RuntimeError as error:
        # aiohttp's word for a connection that was closed here, between two reads.
        raise Unreachable(f"{what}: the connection was closed") from error
