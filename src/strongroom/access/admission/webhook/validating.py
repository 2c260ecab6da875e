"""Validating webhooks: all that are concerned are asked at once, and none may refuse."""

from __future__ import annotations

import asyncio
import logging

from strongroom.access.admission.matching import Target, is_exempt
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.webhook.asking import put_question
from strongroom.access.admission.webhook.choosing import Surroundings, target_for
from strongroom.access.admission.webhook.port import (
    CallingFailed,
    WebhookCaller,
    WebhookConfigurations,
    not_heard,
)
from strongroom.api.errors import StatusError
from strongroom.resources.admission_rules import IGNORE
from strongroom.resources.webhook import ValidatingWebhook
from strongroom.telemetry import log

FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/round_0_index_{}"

logger = logging.getLogger(__name__)


class ValidatingWebhooks:
    """Asks others whether a write may happen."""

    name = "ValidatingAdmissionWebhook"

    def __init__(
        self, configurations: WebhookConfigurations, caller: WebhookCaller, around: Surroundings
    ) -> None:
        self._configurations = configurations
        self._caller = caller
        self._around = around

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        """Ask, and wait for all answers; of several refusals the first webhook's is told."""
        configurations = self._configurations.validating()
        if not configurations or is_exempt(request):
            return
        chosen = []
        for configuration in configurations:
            for webhook in configuration.webhooks:
                target = await target_for(webhook, request, self._around)
                if target is not None:
                    chosen.append((webhook, target))
        questions = (self._refusal(i, *each, request) for i, each in enumerate(chosen))
        for refusal in await asyncio.gather(*questions):
            if refusal is not None:
                raise refusal

    async def _refusal(
        self, index: int, webhook: ValidatingWebhook, target: Target, request: AdmissionRequest
    ) -> StatusError | None:
        """Why a webhook refuses, if it does."""
        try:
            await put_question(webhook, request, target, self._caller)
        except StatusError as refusal:
            return refusal
        except CallingFailed as failure:
            if webhook.failurePolicy != IGNORE:
                return not_heard(webhook.name, failure)
            request.annotate(FAILED_OPEN.format(index), webhook.name)
            log(logger, logging.WARNING, "webhook failed open", webhook=webhook.name)
        return None
