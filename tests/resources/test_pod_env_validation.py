"""The environment of containers: variables, their sources, and selectors of pod fields."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from strongroom.resources.pod_env_validation import split_subscript
from tests.resources.making import pod, texts

_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_RELAXED = (
    "a valid environment variable name must consist only of printable ASCII characters "
    "other than '='"
)
_ONE_OF = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
_KEY = {"name": "s", "key": "k"}


def _findings(name: str, *entries: dict[str, Any]) -> list[str]:
    errors = PODS.validate(pod({name: list(entries)}))
    return [text.removeprefix("spec.containers[0].") for text in texts(errors)]


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"name": ""}, "env[0].name: Required value"),
        ({"name": "A=B"}, f'env[0].name: Invalid value: "A=B": {_RELAXED}'),
        ({"name": "A", "valueFrom": {}}, f'env[0].valueFrom: Invalid value: "": {_ONE_OF}'),
        (
            {"name": "A", "value": "v", "valueFrom": {"secretKeyRef": _KEY}},
            'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {"name": "A", "valueFrom": {"secretKeyRef": _KEY, "configMapKeyRef": _KEY}},
            (
                'env[0].valueFrom: Invalid value: "": '
                "may not have more than one field specified at a time"
            ),
        ),
        (
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}},
            "env[0].valueFrom.secretKeyRef.key: Required value",
        ),
        (
            {"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}},
            f'env[0].valueFrom.secretKeyRef.name: Invalid value: "": {_SUBDOMAIN}',
        ),
        (
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": ".."}}},
            "env[0].valueFrom.configMapKeyRef.key: Invalid value: \"..\": must not be '..'",
        ),
        (
            {"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "p"}}},
            "env[0].valueFrom.fileKeyRef.key: Required value",
        ),
        (
            {"name": "A", "valueFrom": {"fileKeyRef": {"key": "K", "path": "p"}}},
            "env[0].valueFrom.fileKeyRef.volumeName: Required value",
        ),
        (
            {"name": "A", "valueFrom": {"fileKeyRef": {"key": "K", "volumeName": "v"}}},
            "env[0].valueFrom.fileKeyRef.path: Required value",
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v2", "fieldPath": "x"}}},
            (
                'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "x": '
                "error converting fieldPath: unsupported pod version: v2"
            ),
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name['a']"}}},
            (
                "env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name['a']\": error "
                "converting fieldPath: field label does not support subscript: metadata.name['a']"
            ),
        ),
        (
            {"name": "A", "valueFrom": {"resourceFieldRef": {}}},
            "env[0].valueFrom.resourceFieldRef.resource: Required value",
        ),
        (
            {
                "name": "A",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "2"}},
            },
            (
                'env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.memory": only '
                "divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are "
                "supported with the memory resource"
            ),
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {}}},
            "env[0].valueFrom.fieldRef.fieldPath: Required value",
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}},
            (
                'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": '
                "error converting fieldPath: field label not supported: spec.x"
            ),
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}},
            (
                'env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": '
                'supported values: "metadata.name", "metadata.namespace", "metadata.uid", '
                '"spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", '
                '"status.podIP", "status.podIPs"'
            ),
        ),
        (
            {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.gold"}}},
            (
                'env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gold": '
                'supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", '
                '"requests.cpu", "requests.ephemeral-storage", "requests.memory"'
            ),
        ),
        (
            {
                "name": "A",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1Ki"}},
            },
            (
                'env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": '
                "only divisor's values 1m and 1 are supported with the cpu resource"
            ),
        ),
    ],
)
def test_a_variable(variable: dict[str, Any], message: str) -> None:
    assert _findings("env", variable) == [message]


@pytest.mark.parametrize(
    "path", ["metadata.labels['a.b/c']", "metadata.annotations['A']", "status.podIP"]
)
def test_fields_that_variables_may_show(path: str) -> None:
    assert _findings("env", {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {},
            'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        ),
        (
            {"configMapRef": {"name": "c"}, "secretRef": {"name": "s"}},
            'envFrom: Invalid value: "": may not have more than one field specified at a time',
        ),
        ({"secretRef": {}}, "envFrom[0].secretRef.name: Required value"),
        (
            {"prefix": "é", "secretRef": {"name": "s"}},
            f'envFrom[0].prefix: Invalid value: "é": {_RELAXED}',
        ),
    ],
)
def test_a_whole_object_as_environment(source: dict[str, Any], message: str) -> None:
    assert _findings("envFrom", source) == [message]


@pytest.mark.parametrize("prefix", ["", "1-", "$_-", "ABC_", "#@!"])
def test_prefixes_that_conformance_uses(prefix: str) -> None:
    assert _findings("envFrom", {"prefix": prefix, "secretRef": {"name": "s"}}) == []


def test_subscripts_are_told_from_plain_paths() -> None:
    assert split_subscript("metadata.labels['a']") == ("metadata.labels", "a")
    assert split_subscript("metadata.labels['a'") == ("metadata.labels['a'", None)
    assert split_subscript("['a']") == ("['a']", None)
