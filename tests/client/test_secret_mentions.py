"""Finding Secrets in objects of kinds that nobody declared here: as operators write them."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.client.secret_mentions import Mention, mentions


def _found(spec: Any) -> list[tuple[str, str, str]]:
    tree = {"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}, "spec": spec}
    return [(found.name, found.namespace, found.path) for found in mentions(tree)]


@pytest.mark.parametrize(
    ("spec", "name", "namespace", "path"),
    [
        # cert-manager, Prometheus operator, CloudNativePG, Flux, Gateway API, CSI, Crossplane, Argo
        ({"secretName": "tls"}, "tls", "", "spec.secretName"),
        ({"auth": {"existingSecret": "db"}}, "db", "", "spec.auth.existingSecret"),
        (
            {"basicAuth": {"password": {"name": "p", "key": "k"}, "passwordSecret": {"name": "q"}}},
            "q",
            "",
            "spec.basicAuth.passwordSecret.name",
        ),
        ({"superuserSecret": {"name": "su"}}, "su", "", "spec.superuserSecret.name"),
        ({"secretRef": {"name": "git"}}, "git", "", "spec.secretRef.name"),
        (
            {"tls": {"certificateRefs": [{"name": "crt", "namespace": "edge"}]}},
            "crt",
            "edge",
            "spec.tls.certificateRefs[0].name",
        ),
        (
            {"csi": {"nodePublishSecretRef": {"name": "csi", "namespace": "store"}}},
            "csi",
            "store",
            "spec.csi.nodePublishSecretRef.name",
        ),
        (
            {"writeConnectionSecretToRef": {"kind": "Secret", "name": "conn", "namespace": "n"}},
            "conn",
            "n",
            "spec.writeConnectionSecretToRef.name",
        ),
        ({"imagePullSecrets": ["regcred"]}, "regcred", "", "spec.imagePullSecrets[0]"),
        ({"imagePullSecrets": [{"name": "r"}]}, "r", "", "spec.imagePullSecrets[0].name"),
        (
            {"env": [{"valueFrom": {"secretKeyRef": {"name": "e", "key": "k"}}}]},
            "e",
            "",
            "spec.env[0].valueFrom.secretKeyRef.name",
        ),
        (
            {"valuesFrom": [{"kind": "Secret", "name": "v"}, {"kind": "ConfigMap", "name": "w"}]},
            "v",
            "",
            "spec.valuesFrom[0].name",
        ),
    ],
)
def test_references_of_well_known_operators(
    spec: Any, name: str, namespace: str, path: str
) -> None:
    assert _found(spec) == [(name, namespace, path)]


def test_parameters_of_storage_classes() -> None:
    prefix = "csi.storage.k8s.io/node-publish-secret"
    tree = {"parameters": {f"{prefix}-name": "s", f"{prefix}-namespace": "store"}}
    assert list(mentions(tree)) == [Mention("s", "store", f"parameters.{prefix}-name")]


def test_optional_references_are_told_so() -> None:
    (found,) = mentions({"spec": {"secretRef": {"name": "s", "optional": True}}})
    assert found.optional


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "s", "configMapRef": {"name": "s"}, "serviceName": "s"},
        {"secretRef": {"kind": "ConfigMap", "name": "s"}},
        {"secretName": "Not A Name", "clientSecret": "s3cr3t/Value="},
        {"secretName": 7, "secretRef": {"name": None}, "secrets": [None, 3]},
        {"certificateRefs": "x"},
        None,
        [],
    ],
)
def test_what_is_no_reference(spec: Any) -> None:
    assert _found(spec) == []


def test_metadata_is_left_out_and_depth_is_bounded() -> None:
    owner = {"kind": "Secret", "name": "owner"}
    assert list(mentions({"metadata": {"ownerReferences": [owner]}})) == []
    assert list(mentions([])) == []
    deep: Any = {"secretName": "s"}
    for _ in range(2000):
        deep = {"a": deep}
    assert list(mentions(deep)) == []
