"""POSTing JSON over HTTPS by a client whose every freedom is taken away.

Certificates are always verified. Redirects are not followed, proxies are not used, and no more of
an answer is read than an answer needs. Failures tell the cause, never what was sent or received.

This module imports the HTTP client: it is to be imported when somebody is first called.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from strongroom.api.gotext import quote

_JSON = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
}


class NotHeard(Exception):
    """There is no answer. The text says why, and holds no bytes of request or answer.

    ``code`` is the answer's HTTP status, 0 where none came; ``retry_after`` are the seconds that it
    asks to wait, if it does. ``late`` says that time ran out, ``reset`` that the connection broke.
    """

    def __init__(
        self,
        why: str,
        *,
        code: int = 0,
        retry_after: float | None = None,
        late: bool = False,
        reset: bool = False,
    ) -> None:
        super().__init__(why)
        self.code = code
        self.retry_after = retry_after
        self.late = late
        self.reset = reset


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and the URL as people know it.

    ``server_name`` is the name that the certificate must bear where it is not the URL's, and
    ``host`` what the other side is told of where it is called.
    """

    url: str
    shown: str
    server_name: str | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, and what is taken for an answer: these statuses, so many bytes."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    statuses: Container[int]
    most: int


class Poster:
    """Keeps connections open between calls. ``close`` ends them."""

    def __init__(self) -> None:
        # Neither proxies nor credentials of the environment: the other side is who it says.
        self._session = aiohttp.ClientSession(
            # As many connections as there are requests: slow webhooks must not delay the others.
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(
        self, place: Place, context: ssl.SSLContext, letter: Letter, seconds: float
    ) -> bytes:
        """The body of the answer, within so many seconds. Raises NotHeard.

        Calls with the same context share connections.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._post(place, context, letter)
        except TimeoutError:
            raise _failed(place, "context deadline exceeded", late=True) from None
        except (aiohttp.ClientError, aiohttp.InvalidURL, ValueError) as error:
            raise _failed(place, _cause(error), reset=_broke(error)) from None

    async def _post(self, place: Place, context: ssl.SSLContext, letter: Letter) -> bytes:
        try:
            return await self._post_once(place, context, letter)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise
            # A kept connection may have been closed by the other side at this very moment.
            return await self._post_once(place, context, letter)

    async def _post_once(self, place: Place, context: ssl.SSLContext, letter: Letter) -> bytes:
        posting = self._session.post(
            URL(place.url, encoded=True),
            data=letter.body,
            headers={**_JSON, **letter.headers, **({"Host": place.host} if place.host else {})},
            ssl=context,
            server_hostname=place.server_name,
            allow_redirects=False,
        )
        async with posting as response:
            if response.status not in letter.statuses:
                wait = response.headers.get("Retry-After", "")
                raise NotHeard(
                    status_text(response.status),
                    code=response.status,
                    retry_after=float(wait) if wait.isascii() and wait.isdigit() else None,
                )
            return await _read(response, place, letter.most)


async def _read(response: aiohttp.ClientResponse, place: Place, most: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _failed(place, "the answer is encoded, which was not asked for")
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            response.close()
            raise _failed(place, f"the answer is larger than {most} bytes")
    return b"".join(chunks)


def failure_text(url: str, why: str) -> str:
    """A call that came to nothing, in Go's words."""
    return f"Post {quote(url)}: {why}"


def _failed(place: Place, why: str, *, late: bool = False, reset: bool = False) -> NotHeard:
    return NotHeard(failure_text(place.shown, why), late=late, reset=reset)


def _broke(error: Exception) -> bool:
    """Whether a connection that there was is gone: trying again may help."""
    gone = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
    return isinstance(error, gone) and not isinstance(error, aiohttp.ClientConnectorError)


def _cause(error: Exception) -> str:
    """What went wrong, in Go's words where there are any; nothing of the body."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"tls: failed to verify certificate: x509: {_verdict(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    if isinstance(error, aiohttp.ClientConnectorError):
        why = (error.os_error.strerror or type(error.os_error).__name__).lower()
        if isinstance(error.os_error, ConnectionRefusedError):
            why = "connection refused"
        return f"dial tcp {error.host}:{error.port}: connect: {why}"
    return "EOF" if isinstance(error, aiohttp.ServerDisconnectedError) else type(error).__name__


def _verdict(error: Exception) -> str:
    reason: str = getattr(error, "verify_message", "") or "not trusted"
    unknown = ("issuer", "self-signed", "self signed")
    if any(word in reason for word in unknown):
        return "certificate signed by unknown authority"
    return reason


_STATUS_TEXTS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    403: "forbidden",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be "
    "processing the request",
}


def status_text(code: int) -> str:
    """client-go's words for a status, which leave out what the body says."""
    if code in _STATUS_TEXTS:
        return _STATUS_TEXTS[code]
    if 300 <= code < 400:
        return f"the server answered with a redirect ({code}), which is not followed"
    if code >= 500:
        return 'an error on the server ("unknown") has prevented the request from succeeding'
    return f"the server responded with the status code {code} but did not return more information"
