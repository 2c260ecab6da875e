"""What webhooks need of the rest of the server, and how their failures are told apart.

    CallingFailed     the webhook could not be asked, or answered nonsense: failurePolicy decides
    StatusError       the webhook, or a rule about webhooks, refuses the request

Neither ever holds anything of what was sent to a webhook; of an answer only what it says of its
decision reaches the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from strongroom.api.errors import StatusError, bad_request, internal_error
from strongroom.api.gotext import quote
from strongroom.resources.webhook import WebhookClientConfig
from strongroom.resources.webhook_configuration import (
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)


class CallingFailed(Exception):
    """A webhook was not heard. The text says why, and holds no bytes of request or answer."""


class WebhookCaller(Protocol):
    """Speaks to webhooks."""

    async def call(self, config: WebhookClientConfig, body: bytes, timeout: float) -> bytes:  # noqa: ASYNC109 - the webhook is told of it too
        """Send an AdmissionReview; the answer's body. Raises CallingFailed.

        Does not wait longer than ``timeout`` seconds, whatever the webhook does.
        """
        ...


class WebhookConfigurations(Protocol):
    """The configurations in the order of their names. Raises StatusError 500 for unreadable ones.

    Where there is none, asking must cost next to nothing: every write asks.
    """

    def mutating(self) -> Sequence[MutatingWebhookConfiguration]: ...

    def validating(self) -> Sequence[ValidatingWebhookConfiguration]: ...


def not_heard(webhook: str, why: CallingFailed) -> StatusError:
    """500: a webhook that must agree could not be asked."""
    error = internal_error(f"failed calling webhook {quote(webhook)}: {why}")
    error.__cause__ = why
    return error


def no_dry_run(webhook: str) -> StatusError:
    """400: asking would have effects, which a dry run must not have."""
    return bad_request(f"admission webhook {quote(webhook)} does not support dry run")
