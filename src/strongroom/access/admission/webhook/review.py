"""The question put to a webhook, and the checking of its answer (``webhook/request``)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.access.admission.matching import Target, as_seen, target_of
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.quoting import annotate, unquoted
from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.codec import decode, encode
from strongroom.api.errors import StatusDetails, StatusError
from strongroom.api.gotext import quote
from strongroom.resources.admission_review import (
    GROUP,
    KIND,
    AdmissionResponse,
    AdmissionReview,
)

_KNOWN = ("v1", "v1beta1")
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Question:
    """An AdmissionReview to send: its ``uid`` must come back. ``version`` is the review's own."""

    uid: str
    version: str
    body: bytes = field(repr=False)


def ask(request: AdmissionRequest, target: Target, versions: Sequence[str]) -> Question:
    """The question in the first version that we know. Raises CallingFailed, StatusError 500."""
    version = next((v for v in versions if v in _KNOWN), None)
    if version is None:
        raise CallingFailed(
            "could not create admission objects: webhook does not accept known AdmissionReview "
            "versions (v1, v1beta1)"
        )
    uid = str(uuid.uuid4())
    tree = {
        "kind": KIND,
        "apiVersion": f"{GROUP}/{version}",
        "request": {"uid": uid} | request_tree(request, target),
    }
    return Question(uid, version, encode(tree))


def request_tree(request: AdmissionRequest, target: Target) -> dict[str, Any]:
    """The ``request`` of a review without its uid, about the object as the target shows it."""
    own, subresource = target_of(request), request.attributes.subresource
    tree: dict[str, Any] = {
        "kind": _kind(target),
        "resource": _resource(target),
        "requestKind": _kind(own),
        "requestResource": _resource(own),
        "operation": request.operation,
        "userInfo": request.attributes.user.tree(),
        "object": as_seen(request.obj, request, target),
        "oldObject": as_seen(request.old, request, target),
        "dryRun": request.dry_run,
        "options": request.options,
    }
    if subresource:
        tree |= {"subResource": subresource, "requestSubResource": subresource}
    if request.name:
        tree["name"] = request.name
    if request.namespace:
        tree["namespace"] = request.namespace
    return tree


def _kind(target: Target) -> dict[str, str]:
    return {"group": target.kind_group, "version": target.kind_version, "kind": target.kind}


def _resource(target: Target) -> dict[str, str]:
    return {"group": target.group, "version": target.version, "resource": target.plural}


def read_answer(body: bytes, question: Question, *, mutating: bool) -> AdmissionResponse:
    """The checked answer. Raises CallingFailed, whose text holds nothing of the body but a uid."""
    try:
        review = decode(body, AdmissionReview, kind=KIND, version=f"{GROUP}/{question.version}").obj
    except StatusError as error:
        raise CallingFailed(f"failed to call webhook: {error.message}") from None
    response = review.response
    wrong = "webhook response was absent"
    if response is not None:
        wrong = _envelope_error(review, response, question) if question.version == "v1" else ""
        wrong = wrong or _patch_error(response, question, mutating=mutating)
    if wrong or response is None:
        raise CallingFailed(f"received invalid webhook response: {wrong}")
    return response


def _envelope_error(review: AdmissionReview, response: AdmissionResponse, asked: Question) -> str:
    if response.uid != asked.uid:
        return f"expected response.uid={quote(asked.uid)}, got {_shown(response.uid)}"
    if (review.apiVersion, review.kind) != (f"{GROUP}/v1", KIND):
        return f"expected webhook response of {GROUP}/v1, Kind={KIND}, got another kind"
    return ""


def _patch_error(response: AdmissionResponse, asked: Question, *, mutating: bool) -> str:
    patch, kind = bool(response.patch), response.patchType
    if asked.version != "v1":
        return ""
    if not mutating:
        if patch:
            return "validating webhook may not return response.patch"
        return "" if kind is None else "validating webhook may not return response.patchType"
    if patch and kind is None:
        return "webhook returned response.patch but not response.patchType"
    if not patch and kind is not None:
        return "webhook returned response.patchType but not response.patch"
    return 'webhook returned invalid response.patchType of ""' if kind == "" else ""


def _shown(text: str) -> str:
    """A uid that is none of ours: told if it looks like one, since it is the webhook's text."""
    plain = len(text) <= _SHOWN and text.isascii() and text.replace("-", "").isalnum()
    return quote(text) if plain or not text else "another"


def denial(webhook: str, response: AdmissionResponse) -> StatusError:
    """What the client is told of a refusal (``webhook/errors``)."""
    by = f"admission webhook {quote(webhook)} denied the request"
    status = response.status
    if status is None:
        return StatusError(400, "", f"{by} without explanation")
    why = status.message or status.reason
    details: StatusDetails | None = status.details
    message = f"{by}: {why}" if why else f"{by} without explanation"
    # A refusal never looks like a success, and a code that HTTP has not is none.
    code = status.code if 400 <= status.code <= 599 else 400
    return StatusError(code, status.reason, message, details=details)


def report(request: AdmissionRequest, webhook: str, response: AdmissionResponse) -> None:
    """Pass the webhook's annotations to the audit log and its warnings to the client."""
    for key, value in response.auditAnnotations.items():
        if "/" not in key:
            annotate(request, webhook, key, unquoted(value, request))
    for text in response.warnings:
        request.warn(text)
