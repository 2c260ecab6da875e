"""Secrets whose value is a marker, and refusals in which it must not be told."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from tests.e2e.wire import Answer

MARK = "marker" + secrets.token_hex(8)
MARK64 = base64.b64encode(MARK.encode()).decode()

JSON = "application/json"
YAML = "application/yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def refused(answer: Answer, code: int, reason: str) -> str:
    """The message of a Status of this code and reason, in which no value is told."""
    whole = answer.whole()
    assert MARK.encode() not in whole
    assert MARK64.encode() not in whole
    status = answer.json
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert (answer.status, status["code"], status["reason"]) == (code, code, reason), status
    return str(status["message"])


def secret(**fields: Any) -> dict[str, Any]:
    """A Secret that would be created, were it not for the fields."""
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "new"}}
    return {**base, "stringData": {"a": MARK}, **fields}
