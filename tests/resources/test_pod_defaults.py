"""What a pod gets that its writer left out."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_containers import each_container
from strongroom.resources.pod_defaults import pull_policy
from tests.resources.making import made, pod


def test_the_spec() -> None:
    spec = pod().spec
    assert spec.restartPolicy == "Always"
    assert spec.dnsPolicy == "ClusterFirst"
    assert spec.terminationGracePeriodSeconds == 30
    assert spec.schedulerName == "default-scheduler"
    assert spec.enableServiceLinks is True
    assert spec.securityContext is not None


def test_what_is_given_stays() -> None:
    spec = pod(
        restartPolicy="Never", terminationGracePeriodSeconds=0, enableServiceLinks=False
    ).spec
    assert (spec.restartPolicy, spec.terminationGracePeriodSeconds) == ("Never", 0)
    assert spec.enableServiceLinks is False


def test_defaults_are_the_same_when_filled_in_again() -> None:
    once, twice = pod(hostNetwork=True), pod(hostNetwork=True)
    PODS.default(twice)
    assert once == twice


def test_an_empty_pod_can_be_defaulted() -> None:
    PODS.default(made({}, Pod))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"serviceAccount": "old"}, "old"),
        ({"serviceAccount": "old", "serviceAccountName": "new"}, "new"),
    ],
)
def test_the_old_name_of_the_service_account_is_an_alias(given: dict[str, Any], name: str) -> None:
    spec = pod(**given).spec
    assert (spec.serviceAccountName, spec.serviceAccount) == (name, name)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("localhost:5000/team/app", "Always"),
        ("localhost:5000/team/app:1", "IfNotPresent"),
        ("busybox:1.37", "IfNotPresent"),
        ("busybox@sha256:" + "0" * 64, "IfNotPresent"),
        ("busybox:latest@sha256:" + "0" * 64, "Always"),
        ("", "IfNotPresent"),
        ("Not An Image", "IfNotPresent"),
    ],
)
def test_the_tag_decides_when_an_image_is_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_containers_of_every_list() -> None:
    one = {"name": "x", "image": "busybox:1", "ports": [{"containerPort": 80}]}
    spec = pod(one, initContainers=[one], ephemeralContainers=[one], hostNetwork=True).spec
    for container, _ in each_container(spec):
        assert container.terminationMessagePath == "/dev/termination-log"
        assert container.terminationMessagePolicy == "File"
        assert container.imagePullPolicy == "IfNotPresent"
        assert container.ports[0].protocol == "TCP"
    assert [spec.containers[0].ports[0].hostPort, spec.initContainers[0].ports[0].hostPort] == [
        80,
        80,
    ]


def test_requests_follow_limits_and_amounts_are_canonical() -> None:
    resources = {"limits": {"cpu": "0.5", "memory": "1024Ki"}, "requests": {"memory": "512Ki"}}
    made_pod = pod({"resources": resources})
    assert made_pod.spec.containers[0].resources.limits == {"cpu": "500m", "memory": "1Mi"}
    assert made_pod.spec.containers[0].resources.requests == {"cpu": "500m", "memory": "512Ki"}


def test_probes_and_hooks() -> None:
    http = {"httpGet": {"port": 80}}
    container = pod({"livenessProbe": http, "lifecycle": {"preStop": http}}).spec.containers[0]
    probe, lifecycle = container.livenessProbe, container.lifecycle
    assert probe is not None
    assert probe.httpGet is not None
    assert (probe.timeoutSeconds, probe.periodSeconds) == (1, 10)
    assert (probe.successThreshold, probe.failureThreshold) == (1, 3)
    assert (probe.httpGet.path, probe.httpGet.scheme) == ("/", "HTTP")
    assert lifecycle is not None
    assert lifecycle.preStop is not None
    assert lifecycle.preStop.httpGet is not None
    assert lifecycle.preStop.httpGet.path == "/"


def test_volumes() -> None:
    file = {"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}
    sources = [{"serviceAccountToken": {"path": "t"}}, {"downwardAPI": {"items": [file]}}]
    spec = pod(
        volumes=[
            {"name": "a", "secret": {"secretName": "s"}},
            {"name": "b", "configMap": {"name": "c", "defaultMode": 0o400}},
            {"name": "c", "projected": {"sources": sources}},
            {"name": "d"},
            {"name": "e", "hostPath": {"path": "/x"}},
        ]
    ).spec
    secret, config, projected, empty, host = spec.volumes
    assert secret.secret is not None
    assert secret.secret.defaultMode == 0o644
    assert config.configMap is not None
    assert config.configMap.defaultMode == 0o400
    assert projected.projected is not None
    assert projected.projected.defaultMode == 0o644
    token, downward = projected.projected.sources
    assert token.serviceAccountToken is not None
    assert token.serviceAccountToken.expirationSeconds == 3600
    assert downward.downwardAPI is not None
    assert downward.downwardAPI.items[0].fieldRef is not None
    assert downward.downwardAPI.items[0].fieldRef.apiVersion == "v1"
    assert empty.emptyDir is not None
    assert host.hostPath is not None
    assert host.hostPath.type == ""
