"""StatefulSets: claims beside the template, and what may change."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.statefulset import STATEFUL_SETS
from strongroom.resources.statefulset_object import StatefulSet
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template, workload

_CLAIM = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1024Mi"}}}}
_MOUNTING = [
    {"name": "main", "image": "i", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
]


def stateful(**spec: Any) -> StatefulSet:
    obj = made(workload(**spec), StatefulSet)
    STATEFUL_SETS.default(obj)
    return obj


def test_defaults() -> None:
    spec = stateful(volumeClaimTemplates=[_CLAIM]).spec
    assert (spec.replicas, spec.podManagementPolicy, spec.revisionHistoryLimit) == (
        1, "OrderedReady", 10,
    )  # fmt: skip
    rolling, kept = spec.updateStrategy.rollingUpdate, spec.persistentVolumeClaimRetentionPolicy
    assert rolling is not None
    assert kept is not None
    assert (rolling.partition, rolling.maxUnavailable) == (0, 1)
    assert (kept.whenDeleted, kept.whenScaled) == ("Retain", "Retain")
    (claim,) = spec.volumeClaimTemplates
    assert (claim.kind, claim.apiVersion, claim.status.phase) == (
        "PersistentVolumeClaim", "v1", "Pending",
    )  # fmt: skip
    assert claim.spec.volumeMode == "Filesystem"
    assert claim.spec.resources.requests == {"storage": "1Gi"}


def test_claims_are_volumes_of_the_pods() -> None:
    mounting = template(containers=_MOUNTING)
    assert STATEFUL_SETS.validate(stateful(template=mounting, volumeClaimTemplates=[_CLAIM])) == []
    assert texts(STATEFUL_SETS.validate(stateful(template=mounting))) == [
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'
    ]


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        (
            {"podManagementPolicy": "Any"},
            (
                "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or "
                "'Parallel'"
            ),
        ),
        (
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            (
                'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed '
                "for "
                "updateStrategy 'RollingUpdate'"
            ),
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
        ),
        (
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}},
            (
                "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "
                '"Keep": supported values: "Retain", "Delete"'
            ),
        ),
        (
            {"selector": {}},
            "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
        ),
        (
            {"ordinals": {"start": -1}},
            "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_rules(spec: dict[str, Any], finding: str) -> None:
    assert texts(STATEFUL_SETS.validate(stateful(**spec))) == [finding]


def test_most_of_the_spec_cannot_be_changed() -> None:
    old = stateful()
    allowed = stateful(replicas=3, minReadySeconds=5, template=template(hostNetwork=True))
    assert STATEFUL_SETS.validate_update(allowed, old) == []
    (found,) = texts(STATEFUL_SETS.validate_update(stateful(serviceName="db"), old))
    assert found == (
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
        "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    )


def test_names_are_labels_of_host_names() -> None:
    assert STATEFUL_SETS.validate_name("a-b") == []
    assert STATEFUL_SETS.validate_name("a.b") != []


def test_columns() -> None:
    obj = stateful(replicas=2)
    assert STATEFUL_SETS.columns_of(obj, NOW)[:2] == ["web", "0/2"]
