"""Deployments: defaults, rules, generations, what kubectl prints."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.deployment import DEPLOYMENTS
from strongroom.resources.deployment_object import Deployment
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template, workload

_SELECTOR = {"matchLabels": {"app": "web"}}
_UNSELECTED = (
    'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match '
    "template `labels`"
)


def deployment(**spec: Any) -> Deployment:
    obj = made(workload(**spec), Deployment)
    DEPLOYMENTS.default(obj)
    return obj


def test_defaults() -> None:
    spec = deployment().spec
    assert (spec.replicas, spec.revisionHistoryLimit, spec.progressDeadlineSeconds) == (1, 10, 600)
    rolling = spec.strategy.rollingUpdate
    assert rolling is not None
    assert (spec.strategy.type, rolling.maxUnavailable, rolling.maxSurge) == (
        "RollingUpdate", "25%", "25%",
    )  # fmt: skip
    pods = spec.template.spec
    assert (pods.restartPolicy, pods.dnsPolicy) == ("Always", "ClusterFirst")
    assert pods.enableServiceLinks is None  # a pod gets it when it is made
    assert DEPLOYMENTS.validate(deployment()) == []


def test_a_template_s_host_ports_may_be_left_to_the_pods() -> None:
    ports: list[dict[str, Any]] = [{"containerPort": 80}]
    containers = [{"name": "main", "image": "i", "ports": ports}]
    spec = template(hostNetwork=True, containers=containers)
    assert DEPLOYMENTS.validate(deployment(template=spec)) == []
    ports[0]["hostPort"] = 81
    spec = template(hostNetwork=True, containers=containers)
    assert texts(DEPLOYMENTS.validate(deployment(template=spec))) == [
        (
            "spec.template.spec.containers[0].ports[0].hostPort: Invalid value: 81: must match "
            "`containerPort` when `hostNetwork` is true"
        )
    ]


@pytest.mark.parametrize(
    ("spec", "findings"),
    [
        (
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        ({"selector": None}, ["spec.selector: Required value", _UNSELECTED]),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        ({"selector": {"matchLabels": {"app": "x"}}}, [_UNSELECTED]),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "NotIn",
                                                "values": ["web"]}]}},
            [_UNSELECTED],
        ),
        (
            {"template": template(restartPolicy="Never")},
            [
                ('spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: '
                '"Always"')
            ],
        ),
        (
            {"template": template(activeDeadlineSeconds=5)},
            [
                ("spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
                "ReplicaSet is not Supported")
            ],
        ),
        (
            {"template": template(containers=[])},
            ["spec.template.spec.containers: Required value"],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            [
                ("spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy "
                "`type` is 'Recreate'")
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "0%"}}},
            [
                ("spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
                "`maxSurge` is 0")
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            [
                ('spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be '
                "greater than 100%")
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "half"}}},
            [
                ('spec.strategy.rollingUpdate.maxSurge: Invalid value: "half": a valid percent '
                "string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
                "regex used for validation is '[0-9]+%')")
            ],
        ),
        (
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            [
                ("spec.progressDeadlineSeconds: Invalid value: 5: must be greater than "
                "minReadySeconds")
            ],
        ),
    ],
)  # fmt: skip
def test_rules(spec: dict[str, Any], findings: list[str]) -> None:
    assert texts(DEPLOYMENTS.validate(deployment(**spec))) == findings


def test_the_selector_cannot_be_changed() -> None:
    labels = {"metadata": {"labels": {"app": "x"}}}
    new = deployment(selector={"matchLabels": {"app": "x"}}, template=template() | labels)
    (found,) = texts(DEPLOYMENTS.validate_update(new, deployment()))
    assert found == (
        'spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable'
    )


def test_generations_count_changes_of_spec_and_annotations() -> None:
    old = deployment()
    DEPLOYMENTS.prepare_for_create(old, NOW)
    old.status.replicas = 3
    for change, generation in (
        ({}, 1),
        ({"spec": workload(replicas=2)["spec"]}, 2),
        ({"metadata": {"name": "web", "annotations": {"a": "b"}}}, 2),
    ):
        new = made(workload() | change, Deployment)
        DEPLOYMENTS.default(new)
        DEPLOYMENTS.prepare_for_update(new, old, NOW)
        assert (new.metadata.generation, new.status.replicas) == (generation, 3)


def test_status_takes_over_nothing_else_and_is_judged() -> None:
    part = DEPLOYMENTS.subresource("status")
    assert part is not None
    old, new = deployment(), deployment(replicas=9)
    new.metadata.labels = {"a": "b"}
    new.status.readyReplicas, new.status.availableReplicas = 1, 2
    merged = part.merge(new, old)
    assert (merged.spec, merged.metadata.labels) == (old.spec, {})
    assert texts(part.validate(merged, old)) == [
        "status.readyReplicas: Invalid value: 1: cannot be greater than status.replicas",
        "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas",
        "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
    ]
    old.status.collisionCount = 2
    new.status = type(new.status)(collisionCount=1)
    (found,) = texts(part.validate(new, old))
    assert found == "status.collisionCount: Invalid value: 1: cannot be decremented"


def test_warnings() -> None:
    odd = deployment()
    odd.metadata.name = "a.b"
    (name,) = DEPLOYMENTS.warnings(odd, None)
    assert name.startswith("metadata.name: this is used in Pod names and hostnames")
    assert DEPLOYMENTS.warnings(odd, odd) == []
    secrets = template(imagePullSecrets=[{"name": ""}])
    assert DEPLOYMENTS.warnings(deployment(template=secrets), None) == [
        'spec.template.spec.imagePullSecrets[0].name: invalid empty name ""'
    ]


def test_columns() -> None:
    obj = deployment(replicas=3)
    obj.status.readyReplicas = 1
    names = [column.name for column in DEPLOYMENTS.columns]
    assert dict(zip(names, DEPLOYMENTS.columns_of(obj, NOW), strict=True)) == {
        "Name": "web", "Ready": "1/3", "Up-to-date": 0, "Available": 0, "Age": "<unknown>",
        "Containers": "main", "Images": "busybox:1.37", "Selector": "app=web",
    }  # fmt: skip
