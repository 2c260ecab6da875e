"""Asks a webhook whether a request may proceed (``plugin/pkg/authorizer/webhook``).

Answers are kept for as long as the configuration says, and no longer: nothing after this keeps
them. What cannot be asked is decided by the failure policy, and told as an error.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.authz.question import KIND, Tree, review_of, spec_of
from strongroom.access.review import Reviewer, ReviewFailed, read_review
from strongroom.access.user import Attributes
from strongroom.api.clock import Clock
from strongroom.api.codec import encode
from strongroom.resources.access_review import GROUP
from strongroom.resources.subjectaccessreview import SubjectAccessReview
from strongroom.telemetry import log

logger = logging.getLogger(__name__)

KEPT = 8192
"""Answers that are kept of one webhook."""
LONGEST = 10_000
"""Characters that who asks has chosen, from which on an answer is not kept, as upstream; and those
of a reason, since thousands of answers are."""

_BOTH = "webhook subject access review returned both allow and deny response"


class Conditions(Protocol):
    """Says about which requests a webhook is asked."""

    def hold(self, spec: Tree) -> bool:
        """Whether all hold. Raises ReviewFailed when none is false and some cannot be judged."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How a webhook is asked. Times to live are seconds; 0 keeps nothing.

    ``on_failure`` is the verdict where the webhook cannot be heard: NO_OPINION or DENY.
    """

    name: str
    version: str
    authorized_ttl: float
    unauthorized_ttl: float
    on_failure: Verdict = Verdict.NO_OPINION
    conditions: Conditions | None = None
    failed_open: Callable[[bool], None] = field(default=lambda late: None)
    """Told when a request goes on because the webhook could not be heard."""


class WebhookAuthorizer:
    """One webhook."""

    def __init__(self, reviewer: Reviewer, settings: WebhookSettings, clock: Clock) -> None:
        self._reviewer = reviewer
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Decision]] = OrderedDict()

    async def authorize(self, attributes: Attributes) -> Decision:
        """What the webhook says, now or not longer ago than it may be kept."""
        settings, spec = self._settings, spec_of(attributes)
        if settings.conditions is not None:
            try:
                if not settings.conditions.hold(spec):
                    return Decision()
            except ReviewFailed as error:
                return Decision(settings.on_failure, error=str(error))
        # A digest: whoever asks chooses how long a question is, and there may be many.
        key = hashlib.sha256(encode(spec)).digest()
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() < kept[0]:
            self._kept.move_to_end(key)
            return kept[1]
        try:
            body = review_of(spec, settings.version)
            decision = await self._reviewer.ask(body, self._read)
        except ReviewFailed as error:
            log(logger, logging.ERROR, "an authorization webhook failed", error, name=settings.name)
            if settings.on_failure is Verdict.NO_OPINION:
                settings.failed_open(error.late)
            return Decision(settings.on_failure, error=str(error))
        self._keep(key, decision, attributes)
        return decision

    def _keep(self, key: bytes, decision: Decision, attributes: Attributes) -> None:
        allowed = decision.verdict is Verdict.ALLOW
        seconds = self._settings.authorized_ttl if allowed else self._settings.unauthorized_ttl
        if seconds <= 0 or max(_length(attributes), len(decision.reason)) >= LONGEST:
            return
        self._kept[key] = (self._clock.monotonic() + seconds, decision)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _read(self, body: bytes) -> Decision:
        version = f"{GROUP}/{self._settings.version}"
        status = read_review(body, SubjectAccessReview, KIND, version).status
        if status.denied:
            error = _BOTH if status.allowed else ""
            return Decision(Verdict.DENY, status.reason, error)
        verdict = Verdict.ALLOW if status.allowed else Verdict.NO_OPINION
        return Decision(verdict, status.reason)


def _length(wanted: Attributes) -> int:
    chosen = (
        wanted.namespace,
        wanted.verb,
        wanted.group,
        wanted.version,
        wanted.resource,
        wanted.subresource,
        wanted.name,
        wanted.path,
    )
    return sum(map(len, chosen))
