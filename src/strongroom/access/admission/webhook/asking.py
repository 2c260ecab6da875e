"""Asking one webhook: rules about dry runs, the call itself, the checked answer."""

from __future__ import annotations

from strongroom.access.admission.matching import Target
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.webhook.port import WebhookCaller, no_dry_run
from strongroom.access.admission.webhook.review import ask, denial, read_answer, report
from strongroom.resources.admission_review import AdmissionResponse
from strongroom.resources.webhook import (
    DEFAULT_TIMEOUT,
    NONE,
    NONE_ON_DRY_RUN,
    AnyWebhook,
    MutatingWebhook,
)


async def put_question(
    webhook: AnyWebhook, request: AdmissionRequest, target: Target, caller: WebhookCaller
) -> AdmissionResponse:
    """The webhook's consent, with what it wants to change.

    Raises StatusError when it refuses, or has effects and the request is a dry run; CallingFailed
    when it cannot be heard.
    """
    if request.dry_run and webhook.sideEffects not in (NONE, NONE_ON_DRY_RUN):
        raise no_dry_run(webhook.name)
    question = ask(request, target, webhook.admissionReviewVersions)
    seconds = webhook.timeoutSeconds or DEFAULT_TIMEOUT
    body = await caller.call(webhook.clientConfig, question.body, seconds)
    answer = read_answer(body, question, mutating=isinstance(webhook, MutatingWebhook))
    report(request, webhook.name, answer)
    if not answer.allowed:
        raise denial(webhook.name, answer)
    return answer
