"""What the creator of an odd pod is told."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod


def _variables(*values: dict[str, Any]) -> dict[str, Any]:
    return {"env": [{"name": "A"} | value for value in values]}


_REFERENCE = {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
_HIDES = (
    'spec.containers[0].env[1]: hides previous definition of "A", '
    "which may be dropped when using apply"
)
_SAME_PATH = [
    {"serviceAccountToken": {"path": "p"}},
    {"secret": {"name": "s", "items": [{"key": "k", "path": "p"}]}},
]


@pytest.mark.parametrize(
    ("container", "spec", "warnings"),
    [
        ({}, {}, []),
        (_variables({"value": "a"}, {"value": "b"}), {}, [_HIDES]),
        (_variables({"value": "a"}, _REFERENCE), {}, [_HIDES]),
        (_variables({"value": "a"}, {"value": "$(A)"}), {}, [_HIDES]),
        (_variables({"value": "a"}, {"value": "$(A)/b"}), {}, []),
        (
            {},
            {"imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]},
            [
                'spec.imagePullSecrets[1].name: duplicate name "a"',
                'spec.imagePullSecrets[2].name: invalid empty name ""',
            ],
        ),
        (
            {},
            {"hostAliases": [{"ip": "::1"}, {"ip": "::1"}]},
            ['spec.hostAliases[1].ip: duplicate ip "::1"'],
        ),
        (
            {"resources": {"limits": {"memory": "1500m"}, "requests": {"memory": "1"}}},
            {},
            [
                (
                    "spec.containers[0].resources.limits[memory]: "
                    'fractional byte value "1500m" is invalid, must be an integer'
                )
            ],
        ),
        (
            {},
            {"terminationGracePeriodSeconds": -1},
            [
                (
                    "spec.terminationGracePeriodSeconds: "
                    "must be >= 0; negative values are invalid and will be treated as 1"
                )
            ],
        ),
        (
            {},
            {"volumes": [{"name": "v", "storageos": {}}]},
            ["spec.volumes[0].storageOS: deprecated in v1.22, non-functional in v1.25+"],
        ),
        (
            {},
            {"volumes": [{"name": "v", "projected": {"sources": _SAME_PATH}}]},
            [
                (
                    "spec.volumes[0].projected.sources.secrets[0]: "
                    'has duplicated path with ServiceAccountToken "p"'
                )
            ],
        ),
        (
            {},
            {"topologySpreadConstraints": [{"topologyKey": "a"}]},
            [
                (
                    "spec.topologySpreadConstraints[0].labelSelector: "
                    "a null labelSelector results in matching no pod"
                )
            ],
        ),
    ],
)
def test_a_warning(container: dict[str, Any], spec: dict[str, Any], warnings: list[str]) -> None:
    assert PODS.warnings(pod(container, **spec), None) == warnings


def test_a_name_that_makes_a_poor_host_name() -> None:
    obj = pod()
    obj.metadata.name = "a.b"
    assert PODS.warnings(obj, None) == [
        (
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must not contain dots]"
        )
    ]


def test_updates_are_not_warned_about() -> None:
    assert PODS.warnings(pod(terminationGracePeriodSeconds=-1), pod()) == []
