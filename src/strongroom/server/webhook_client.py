"""HTTPS to admission webhooks (:mod:`strongroom.server.posting`), in their words.

Certificates are verified against the webhook's ``caBundle``, else against the system's authorities.

This module imports the HTTP client; :mod:`strongroom.server.webhooks` imports this one when a
webhook is first called.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.server.posting import Letter, NotHeard, Place, Poster, failure_text

MAX_ANSWER = 8 * 1024 * 1024
"""Most bytes of an answer: a patch that replaces the largest object, in base64, and some more."""

_MAX_CONTEXTS = 64
_HEADERS = {"User-Agent": "kube-apiserver-admission"}


class WebhookClient:
    """Keeps connections to webhooks open between calls. ``close`` ends them."""

    def __init__(self) -> None:
        self._poster = Poster()
        # A connection is shared by all calls with the same context, so contexts are kept.
        self._contexts: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()

    async def close(self) -> None:
        """Close all connections."""
        await self._poster.close()

    async def post(self, place: Place, bundle: bytes, body: bytes, seconds: float) -> bytes:
        """The body of the webhook's answer. Raises CallingFailed."""
        letter = Letter(body, _HEADERS, (200,), MAX_ANSWER)
        try:
            return await self._poster.post(place, self._context(bundle), letter, seconds)
        except NotHeard as error:
            raise CallingFailed(f"failed to call webhook: {error}") from None

    def _context(self, bundle: bytes) -> ssl.SSLContext:
        context = self._contexts.get(bundle)
        if context is None:
            context = _tls_context(bundle)
            self._contexts[bundle] = context
            while len(self._contexts) > _MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(bundle)
        return context


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
    return CallingFailed(f"failed to call webhook: {failure_text(url, why)}")
