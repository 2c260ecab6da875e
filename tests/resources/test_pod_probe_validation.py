"""Probes and hooks, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod, texts

_EXEC = {"exec": {"command": ["true"]}}


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({}, ": Required value: must specify a handler type"),
        ({"exec": {}}, ".exec.command: Required value"),
        (
            _EXEC | {"tcpSocket": {"port": 1}},
            ".tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            {"httpGet": {"port": 0}},
            ".httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            {"tcpSocket": {"port": "1"}},
            '.tcpSocket.port: Invalid value: "1": must contain at least one letter (a-z)',
        ),
        (
            {"grpc": {"port": 70000}},
            ".grpc.port: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"httpGet": {"port": 1, "scheme": "x"}},
            '.httpGet.scheme: Unsupported value: "x": supported values: "HTTP", "HTTPS"',
        ),
        (
            {"httpGet": {"port": 1, "httpHeaders": [{"name": "a b", "value": ""}]}},
            (
                '.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of '
                "alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation "
                "is '[-A-Za-z0-9]+')"
            ),
        ),
        (
            _EXEC | {"periodSeconds": -1},
            ".periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (_EXEC | {"successThreshold": 2}, ".successThreshold: Invalid value: 2: must be 1"),
        (
            _EXEC | {"terminationGracePeriodSeconds": 0},
            ".terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
        ),
    ],
)
def test_a_liveness_probe(probe: dict[str, Any], message: str) -> None:
    errors = texts(PODS.validate(pod({"livenessProbe": probe})))
    assert errors == [f"spec.containers[0].livenessProbe{message}"]


def test_a_readiness_probe_never_stops_the_container() -> None:
    probe = _EXEC | {"successThreshold": 2, "terminationGracePeriodSeconds": 5}
    assert texts(PODS.validate(pod({"readinessProbe": probe}))) == [
        (
            "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: "
            "Invalid value: 5: must not be set for readinessProbes"
        )
    ]


def test_hooks() -> None:
    lifecycle = {"preStop": {"sleep": {"seconds": 31}}, "postStart": _EXEC}
    assert texts(PODS.validate(pod({"lifecycle": lifecycle}))) == [
        (
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: "
            "must be non-negative and less than terminationGracePeriodSeconds (30)"
        )
    ]
    empty = texts(PODS.validate(pod({"lifecycle": {"preStop": {}}})))
    assert empty == [
        "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type"
    ]
