"""GETs over HTTPS from issuers of tokens, by a client whose freedoms are few.

Certificates are always verified, redirects stay on HTTPS, proxies and credentials of the
environment are not used, and no more of an answer is read than a key set needs. Failures tell the
cause, and nothing of what was sent or received.

This module imports the HTTP client: it is to be imported when something is first fetched.
"""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
from yarl import URL

from strongroom.access.authn.idtokens import KeysUnavailable
from strongroom.api.gotext import quote

TIMEOUT = 30.0
"""Seconds for a whole answer, as upstream."""

MAX_ANSWER = 1024 * 1024
MAX_REDIRECTS = 10

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class Fetcher:
    """Fetches from one issuer, whose certificate one of its authorities must have signed."""

    def __init__(self, authorities: str) -> None:
        """``authorities`` are PEM; "" are the system's."""
        self._context = ssl.create_default_context(cadata=authorities or None)
        self._session = aiohttp.ClientSession(
            trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(self, url: str, bearer: str = "") -> bytes:
        """What lies there; "" shows no token. Raises KeysUnavailable."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._get(URL(url), bearer)
        except TimeoutError:
            why = "context deadline exceeded"
        except aiohttp.ClientConnectorCertificateError:
            why = "tls: failed to verify certificate"
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or type(error.os_error).__name__
            why = f"dial tcp {error.host}:{error.port}: {reason.lower()}"
        except (aiohttp.ClientError, ValueError) as error:
            why = type(error).__name__
        raise KeysUnavailable(f"Get {quote(url)}: {why}")

    async def _get(self, url: URL, bearer: str) -> bytes:
        headers = _HEADERS | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        for _ in range(MAX_REDIRECTS + 1):
            if url.scheme != "https":
                raise KeysUnavailable(f"Get {quote(str(url))}: the scheme is not https")
            asking = self._session.get(
                url, headers=headers, ssl=self._context, allow_redirects=False
            )
            async with asking as response:
                place = response.headers.get("Location")
                # A token is shown to whom it is for, and to nobody that he names.
                if response.status in _REDIRECTS and place and not bearer:
                    url = url.join(URL(place))
                    continue
                if response.status != 200:
                    raise KeysUnavailable(f"Get {quote(str(url))}: status {response.status}")
                return await _read(response, url)
        raise KeysUnavailable(f"Get {quote(str(url))}: stopped after {MAX_REDIRECTS} redirects")


async def _read(response: aiohttp.ClientResponse, url: URL) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            response.close()
            raise KeysUnavailable(f"Get {quote(str(url))}: more than {MAX_ANSWER} bytes")
    return b"".join(chunks)
