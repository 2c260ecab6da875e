"""Finding what objects refer to, against every field of the schema that could."""

from __future__ import annotations

from typing import Any

from strongroom.resources.catalog import CATALOG
from strongroom.resources.ingress_object import Ingress
from strongroom.resources.pod import Pod
from strongroom.resources.references import may_refer, secret_references
from strongroom.resources.serviceaccount import ServiceAccount
from tests.resources.making import made

_NAMED = {"name": "s"}


def _found(spec: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    obj = made({"spec": spec}, Pod)
    return [(r.kind, r.name, str(r.path), r.optional) for r in secret_references(obj)]


def test_environment_of_every_list_of_containers() -> None:
    container = {
        "name": "c",
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "optional": True}}},
        ],
        "envFrom": [{"secretRef": {"name": "t", "optional": True}}, {"configMapRef": _NAMED}],
    }
    for name in ("containers", "initContainers", "ephemeralContainers"):
        path = f"spec.{name}[0]"
        assert _found({name: [container]}) == [
            ("Secret", "t", f"{path}.envFrom[0].secretRef.name", True),
            ("ConfigMap", "s", f"{path}.envFrom[1].configMapRef.name", False),
            ("Secret", "s", f"{path}.env[0].valueFrom.secretKeyRef.name", False),
            ("ConfigMap", "c", f"{path}.env[1].valueFrom.configMapKeyRef.name", True),
        ]


def test_volumes_of_every_kind_that_has_a_secret() -> None:
    sources: dict[str, dict[str, Any]] = {
        "azureFile": {"secretName": "s"},
        "cephfs": {"secretRef": _NAMED},
        "cinder": {"secretRef": _NAMED},
        "csi": {"nodePublishSecretRef": _NAMED},
        "flexVolume": {"secretRef": _NAMED},
        "iscsi": {"secretRef": _NAMED},
        "rbd": {"secretRef": _NAMED},
        "scaleIO": {"secretRef": _NAMED},
        "secret": {"secretName": "s", "optional": True},
        "storageos": {"secretRef": _NAMED},
    }
    for name, source in sources.items():
        ((kind, secret, path, optional),) = _found({"volumes": [{"name": "v", name: source}]})
        assert (kind, secret, optional) == ("Secret", "s", name == "secret")
        assert path.startswith(f"spec.volumes[0].{name}.")


def test_config_maps_and_projected_sources() -> None:
    sources = [{"secret": {"name": "s", "optional": True}}, {"configMap": _NAMED}]
    volumes = [
        {"name": "a", "configMap": {"name": "c"}},
        {"name": "b", "projected": {"sources": sources}},
    ]
    assert _found({"volumes": volumes}) == [
        ("ConfigMap", "c", "spec.volumes[0].configMap.name", False),
        ("Secret", "s", "spec.volumes[1].projected.sources[0].secret.name", True),
        ("ConfigMap", "s", "spec.volumes[1].projected.sources[1].configMap.name", False),
    ]


def test_pull_secrets_and_nothing_for_empty_names() -> None:
    assert _found({"imagePullSecrets": [_NAMED, {}, {"name": ""}]}) == [
        ("Secret", "s", "spec.imagePullSecrets[0].name", False)
    ]


def test_service_accounts_refer_to_secrets_too() -> None:
    account = made({"secrets": [_NAMED], "imagePullSecrets": [_NAMED]}, ServiceAccount)
    assert [str(reference.path) for reference in secret_references(account)] == [
        "secrets[0].name",
        "imagePullSecrets[0].name",
    ]


def test_certificates_of_ingresses() -> None:
    ingress = made({"spec": {"tls": [{"hosts": ["a"]}, {"secretName": "s"}]}}, Ingress)
    assert [(r.name, str(r.path)) for r in secret_references(ingress)] == [
        ("s", "spec.tls[1].secretName")
    ]


def test_kinds_that_refer() -> None:
    refer = {resource.kind for resource in CATALOG.all() if may_refer(resource.type)}
    assert refer == {
        *("Pod", "PodTemplate", "ReplicationController", "ReplicaSet", "Deployment"),
        *("StatefulSet", "DaemonSet", "Job", "CronJob", "ServiceAccount", "Ingress"),
    }
