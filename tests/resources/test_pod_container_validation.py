"""Containers: names, images, ports, resources and what init containers may not have."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod, texts


def _findings(container: dict[str, Any], **spec: Any) -> list[str]:
    prefix = "spec.containers[0]."
    return [text.removeprefix(prefix) for text in texts(PODS.validate(pod(container, **spec)))]


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"name": ""}, "name: Required value"),
        ({"name": "a.b"}, 'name: Invalid value: "a.b": must not contain dots'),
        ({"image": ""}, "image: Required value"),
        (
            {"image": " a"},
            'image: Invalid value: " a": must not have leading or trailing whitespace',
        ),
        (
            {"imagePullPolicy": "x"},
            (
                'imagePullPolicy: Unsupported value: "x": '
                'supported values: "Always", "IfNotPresent", "Never"'
            ),
        ),
        (
            {"terminationMessagePolicy": "x"},
            (
                'terminationMessagePolicy: Unsupported value: "x": '
                'supported values: "File", "FallbackToLogsOnError"'
            ),
        ),
        ({"ports": [{}]}, "ports[0].containerPort: Required value"),
        (
            {"ports": [{"containerPort": 70000}]},
            "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "x"}]},
            'ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            'ports[1].name: Duplicate value: "a"',
        ),
        (
            {"ports": [{"containerPort": n, "hostPort": 9} for n in (1, 2)]},
            'ports[1].hostPort: Duplicate value: "TCP//9"',
        ),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            (
                'resources.requests: Invalid value: "2": '
                "must be less than or equal to cpu limit of 1"
            ),
        ),
        (
            {"resources": {"requests": {"a.b/c": "1"}}},
            (
                "resources.limits: Required value: "
                "Limit must be set for non overcommitable resources"
            ),
        ),
        (
            {"ports": [{"containerPort": 1, "name": "a--b"}]},
            'ports[0].name: Invalid value: "a--b": must not contain consecutive hyphens',
        ),
        (
            {"resources": {"limits": {"a.b/c": "2"}, "requests": {"a.b/c": "1"}}},
            'resources.requests: Invalid value: "1": must be equal to a.b/c limit of 2',
        ),
        (
            {"resources": {"claims": [{"name": "x"}]}},
            'resources.claims[0].name: Not found: "x"',
        ),
        ({"resources": {"claims": [{}]}}, "resources.claims[0].name: Required value"),
        (
            {"resizePolicy": [{"resourceName": "gold", "restartPolicy": "NotRequired"}]},
            'resizePolicy: Unsupported value: "gold": supported values: "cpu", "memory"',
        ),
        (
            {"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}] * 2},
            'resizePolicy[1]: Duplicate value: "cpu"',
        ),
        (
            {"restartPolicyRules": [{"action": "Restart"}]},
            (
                "restartPolicy: Required value: "
                "must specify restartPolicy when restart rules are used"
            ),
        ),
        (
            {"restartPolicy": "x"},
            (
                'restartPolicy: Unsupported value: "x": '
                'supported values: "Always", "Never", "OnFailure"'
            ),
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            (
                "securityContext.runAsUser: Invalid value: -1: "
                "must be between 0 and 2147483647, inclusive"
            ),
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            (
                "securityContext.seccompProfile.localhostProfile: Required value: "
                "must be set when seccomp type is Localhost"
            ),
        ),
    ],
)
def test_a_finding(container: dict[str, Any], message: str) -> None:
    assert _findings(container) == [message]


def test_an_unknown_resource_is_neither_standard_nor_a_container_s() -> None:
    assert _findings({"resources": {"requests": {"gold": "1"}}})[:2] == [
        (
            'resources.requests[gold]: Invalid value: "gold": '
            "must be a standard resource type or fully qualified"
        ),
        (
            'resources.requests[gold]: Invalid value: "gold": '
            "must be a standard resource for containers"
        ),
    ]


def test_an_amount_may_be_negative_nowhere_and_devices_are_whole() -> None:
    negative = _findings({"resources": {"limits": {"memory": "-1"}}})
    assert negative[0] == (
        'resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0'
    )
    fraction = _findings({"resources": {"limits": {"a.b/c": "1500m"}}})
    assert fraction[0] == 'resources.limits[a.b/c]: Invalid value: "1500m": must be an integer'


def test_names_are_unique_among_init_containers_and_containers() -> None:
    one = {"name": "main", "image": "i"}
    assert texts(PODS.validate(pod(initContainers=[one]))) == [
        'spec.initContainers[0].name: Duplicate value: "main"'
    ]
    assert texts(PODS.validate(pod(containers=[one, one]))) == [
        'spec.containers[1].name: Duplicate value: "main"'
    ]


def test_only_sidecars_among_init_containers_have_probes() -> None:
    probe = {"exec": {"command": ["true"]}}
    init = {"name": "i", "image": "i", "livenessProbe": probe, "lifecycle": {}}
    assert texts(PODS.validate(pod(initContainers=[init]))) == [
        f"spec.initContainers[0].{name}: Forbidden: "
        "may not be set for init containers without restartPolicy=Always"
        for name in ("lifecycle", "livenessProbe")
    ]
    assert PODS.validate(pod(initContainers=[init | {"restartPolicy": "Always"}])) == []


def test_a_pod_that_never_restarts_is_resized_without() -> None:
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    assert _findings({"resizePolicy": policy}, restartPolicy="Never") == [
        (
            'resizePolicy: Invalid value: "RestartContainer": '
            "must be 'NotRequired' when `restartPolicy` is 'Never'"
        )
    ]


def test_a_claim_of_the_pod_is_used_once() -> None:
    claims = [{"name": "gpu", "resourceClaimName": "c"}]
    twice = {"resources": {"claims": [{"name": "gpu"}, {"name": "gpu"}]}}
    assert _findings(twice, resourceClaims=claims) == [
        'resources.claims[1]: Duplicate value: "gpu"'
    ]


def test_an_extended_resource_is_not_named_like_a_quota() -> None:
    name = "requests.a.b/c"
    assert _findings({"resources": {"limits": {name: "1"}, "requests": {name: "1"}}})[0] == (
        f'resources.limits[{name}]: Invalid value: "{name}": '
        "doesn't follow extended resource name standard"
    )


def test_what_is_no_quantity_is_told() -> None:
    (finding,) = _findings({"resources": {"requests": {"cpu": "lots"}}})
    assert finding == (
        'resources.requests[cpu]: Invalid value: "lots": quantities must match the regular '
        "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )
