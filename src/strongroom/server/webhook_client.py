"""HTTPS to admission webhooks, by a client whose every freedom is taken away.

Certificates are always verified: against the webhook's ``caBundle``, else against the system's
authorities. Redirects are not followed, proxies are not used, and no more of an answer is read
than an answer needs. Failures tell the address and the cause, never what was sent or received.

This module imports the HTTP client; :mod:`strongroom.server.webhooks` imports this one when a
webhook is first called.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from dataclasses import dataclass

import aiohttp
from yarl import URL

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.gotext import quote

MAX_ANSWER = 8 * 1024 * 1024
"""Most bytes of an answer: a patch that replaces the largest object, in base64, and some more."""

_MAX_CONTEXTS = 64
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "kube-apiserver-admission",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and the URL as people know it.

    For a Service, ``server_name`` is the name that the certificate must bear and ``host`` what the
    webhook is told of where it is called.
    """

    url: str
    shown: str
    server_name: str | None = None
    host: str = ""


class WebhookClient:
    """Keeps connections to webhooks open between calls. ``close`` ends them."""

    def __init__(self) -> None:
        # Neither proxies nor credentials of the environment: the webhook is who it says.
        self._session = aiohttp.ClientSession(
            # As many connections as there are requests: slow webhooks must not delay the others.
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # A connection is shared by all calls with the same context, so contexts are kept.
        self._contexts: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def post(self, place: Place, bundle: bytes, body: bytes, seconds: float) -> bytes:
        """The body of the webhook's answer. Raises CallingFailed."""
        try:
            async with asyncio.timeout(seconds):
                return await self._post(place, self._context(bundle), body)
        except TimeoutError:
            raise failed(place.shown, "context deadline exceeded") from None
        except (aiohttp.ClientError, aiohttp.InvalidURL, ValueError) as error:
            raise failed(place.shown, _cause(error)) from None

    def _context(self, bundle: bytes) -> ssl.SSLContext:
        context = self._contexts.get(bundle)
        if context is None:
            context = _tls_context(bundle)
            self._contexts[bundle] = context
            while len(self._contexts) > _MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(bundle)
        return context

    async def _post(self, place: Place, context: ssl.SSLContext, body: bytes) -> bytes:
        try:
            return await self._post_once(place, context, body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise
            # A kept connection may have been closed by the other side at this very moment.
            return await self._post_once(place, context, body)

    async def _post_once(self, place: Place, context: ssl.SSLContext, body: bytes) -> bytes:
        posting = self._session.post(
            URL(place.url, encoded=True),
            data=body,
            headers=_HEADERS | ({"Host": place.host} if place.host else {}),
            ssl=context,
            server_hostname=place.server_name,
            allow_redirects=False,
        )
        async with posting as response:
            if response.status != 200:
                raise CallingFailed(f"failed to call webhook: {_status_text(response.status)}")
            return await _read(response, place)


async def _read(response: aiohttp.ClientResponse, place: Place) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise failed(place.shown, "the answer is encoded, which was not asked for")
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            response.close()
            raise failed(place.shown, f"the answer is larger than {MAX_ANSWER} bytes")
    return b"".join(chunks)


def _tls_context(bundle: bytes) -> ssl.SSLContext:
    """Verifies certificates and names. Raises CallingFailed for a bundle that holds none."""
    if not bundle:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=bundle.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise CallingFailed(
            "could not get REST client: unable to load root certificates: "
            "unable to parse bytes as PEM block"
        ) from None


def failed(url: str, why: str) -> CallingFailed:
    """A call that came to nothing, in upstream's words."""
    return CallingFailed(f"failed to call webhook: Post {quote(url)}: {why}")


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


def _status_text(code: int) -> str:
    """client-go's words for a status, which leave out what the body says."""
    if code in _STATUS_TEXTS:
        return _STATUS_TEXTS[code]
    if 300 <= code < 400:
        return f"the server answered with a redirect ({code}), which is not followed"
    if code >= 500:
        return 'an error on the server ("unknown") has prevented the request from succeeding'
    return f"the server responded with the status code {code} but did not return more information"
