"""Answers of webhooks, as they are checked in both versions of AdmissionReview."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.access.admission.matching import target_of
from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.access.admission.webhook.review import Question, ask, read_answer
from tests.access.test_matching import request


def answered(version: str, *, mutating: bool = True, **response: Any) -> Any:
    question = Question("u", version, b"")
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
    return read_answer(json.dumps(body).encode(), question, mutating=mutating)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [(["v1"], "v1"), (["v1beta1", "v1"], "v1beta1"), (["v9", "v1"], "v1")],
)
def test_the_first_version_that_is_known_is_used(versions: list[str], expected: str) -> None:
    asked = request()
    question = ask(asked, target_of(asked), versions)
    body = json.loads(question.body)
    assert (question.version, body["apiVersion"]) == (expected, f"admission.k8s.io/{expected}")
    assert body["request"]["uid"] == question.uid


def test_a_webhook_of_unknown_versions_is_not_asked() -> None:
    asked = request()
    with pytest.raises(CallingFailed, match="does not accept known AdmissionReview versions"):
        ask(asked, target_of(asked), ["v9"])


@pytest.mark.parametrize(
    ("response", "wrong"),
    [
        ({"uid": "other", "allowed": True}, 'expected response.uid="u", got "other"'),
        ({"uid": "u", "allowed": True, "patch": "e30="}, "response.patch but not"),
        ({"uid": "u", "patchType": ""}, "response.patchType but not response.patch"),
        ({"uid": "u", "patch": "e30=", "patchType": ""}, 'invalid response.patchType of ""'),
    ],
)
def test_only_the_newer_version_is_strict(response: dict[str, Any], wrong: str) -> None:
    with pytest.raises(CallingFailed, match="received invalid webhook response") as caught:
        answered("v1", **response)
    assert wrong in str(caught.value)
    answered("v1beta1", **response)


def test_another_kind_of_answer() -> None:
    body = b'{"apiVersion":"v1","kind":"Status","response":{"uid":"u","allowed":true}}'
    with pytest.raises(CallingFailed, match="Kind=AdmissionReview"):
        read_answer(body, Question("u", "v1", b""), mutating=False)
