"""Pods: the rules of the spec as a whole, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS, Pod
from tests.resources.making import made, pod, texts


def _findings(**spec: Any) -> list[str]:
    return texts(PODS.validate(pod(**spec)))


def test_a_plain_pod_is_valid() -> None:
    assert _findings() == []


def test_an_empty_pod_lacks_its_containers() -> None:
    empty = made({"metadata": {"name": "a"}}, Pod)
    PODS.default(empty)
    assert texts(PODS.validate(empty)) == ["spec.containers: Required value"]


_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"restartPolicy": "Sometimes"},
            (
                'spec.restartPolicy: Unsupported value: "Sometimes": '
                'supported values: "Always", "OnFailure", "Never"'
            ),
        ),
        (
            {"dnsPolicy": "x"},
            (
                'spec.dnsPolicy: Unsupported value: "x": supported values: '
                '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'
            ),
        ),
        (
            {"dnsPolicy": "None"},
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
        (
            {"dnsConfig": {"nameservers": ["x"]}},
            (
                'spec.dnsConfig.nameservers[0]: Invalid value: "x": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ),
        ),
        ({"hostname": "A"}, f'spec.hostname: Invalid value: "A": {_LABEL}'),
        (
            {"activeDeadlineSeconds": 0},
            (
                "spec.activeDeadlineSeconds: Invalid value: 0: "
                "must be between 1 and 2147483647, inclusive"
            ),
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {}},
            (
                "spec.dnsConfig.nameservers: Required value: "
                "must provide at least one DNS nameserver when `dnsPolicy` is None"
            ),
        ),
        (
            {"dnsConfig": {"nameservers": ["::1", "::2", "::3", "::4"]}},
            (
                'spec.dnsConfig.nameservers: Invalid value: ["::1","::2","::3","::4"]: '
                "must not have more than 3 nameservers"
            ),
        ),
        (
            {"dnsConfig": {"options": [{"value": "1"}]}},
            "spec.dnsConfig.options[0]: Required value: must not be empty",
        ),
        (
            {"resourceClaims": [{"resourceClaimName": "c"}]},
            "spec.resourceClaims[0].name: Required value",
        ),
        (
            {"resourceClaims": [{"name": "a", "resourceClaimName": "c"}] * 2},
            'spec.resourceClaims[1].name: Duplicate value: "a"',
        ),
        (
            {
                "resourceClaims": [
                    {"name": "a", "resourceClaimName": "b", "resourceClaimTemplateName": "c"}
                ]
            },
            (
                "spec.resourceClaims[0]: Invalid value: "
                '{"name":"a","resourceClaimName":"b","resourceClaimTemplateName":"c"}: at most one '
                "of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            ),
        ),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            (
                'spec.resources.requests: Invalid value: "2": '
                "must be less than or equal to cpu limit of 1"
            ),
        ),
        ({"os": {}}, "spec.os.name: Required value"),
        (
            {"hostAliases": [{"ip": "1.2.3", "hostnames": ["a"]}]},
            (
                'spec.hostAliases[0].ip: Invalid value: "1.2.3": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ),
        ),
        (
            {"preemptionPolicy": "x"},
            (
                'spec.preemptionPolicy: Unsupported value: "x": '
                'supported values: "PreemptLowerPriority", "Never"'
            ),
        ),
        (
            {"ephemeralContainers": [{"name": "e", "image": "i"}]},
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
        ),
        (
            {"nodeName": "n", "schedulingGates": [{"name": "a.b/c"}]},
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ),
        (
            {"schedulingGates": [{"name": "g"}, {"name": "g"}]},
            'spec.schedulingGates[1]: Duplicate value: "g"',
        ),
        (
            {"os": {"name": "plan9"}},
            'spec.os.name: Unsupported value: "plan9": supported values: "linux", "windows"',
        ),
        (
            {"shareProcessNamespace": True, "hostPID": True},
            (
                "spec.shareProcessNamespace: Invalid value: true: "
                "ShareProcessNamespace and HostPID cannot both be enabled"
            ),
        ),
        (
            {"overhead": {"cpu": "-1"}},
            'spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"resourceClaims": [{"name": "a"}]},
            (
                'spec.resourceClaims[0]: Invalid value: {"name":"a"}: '
                "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            ),
        ),
    ],
)
def test_a_finding(spec: dict[str, Any], message: str) -> None:
    assert _findings(**spec) == [message]


def test_a_mirror_pod_says_where_it_runs() -> None:
    mirror = pod()
    mirror.metadata.annotations["kubernetes.io/config.mirror"] = "x"
    assert texts(PODS.validate(mirror)) == [
        (
            "metadata.annotations[kubernetes.io/config.mirror]: "
            'Invalid value: "x": must set spec.nodeName if mirror pod annotation is set'
        )
    ]


def test_a_token_needs_a_service_account() -> None:
    volumes = [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]
    assert _findings(volumes=volumes) == [
        (
            "spec.volumes[0].projected.sources[0].serviceAccountToken: "
            "Forbidden: must not be specified when serviceAccountName is not set"
        )
    ]
    assert _findings(volumes=volumes, serviceAccountName="a") == []


def test_host_ports_on_the_host_network_are_the_container_s() -> None:
    ports = [{"containerPort": 80, "hostPort": 81}]
    errors = PODS.validate(pod({"ports": ports}, hostNetwork=True))
    assert texts(errors) == [
        (
            "spec.containers[0].ports[0].hostPort: Invalid value: 81: "
            "must match `containerPort` when `hostNetwork` is true"
        )
    ]
