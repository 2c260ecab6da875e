"""Volumes and mounts, with upstream's exact messages."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS
from tests.resources.making import pod, texts

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def _findings(volume: dict[str, Any]) -> list[str]:
    errors = PODS.validate(pod(volumes=[{"name": "v"} | volume], serviceAccountName="a"))
    return [text.removeprefix("spec.volumes[0].") for text in texts(errors)]


def _item(**fields: Any) -> dict[str, Any]:
    return {"secret": {"secretName": "s", "items": [{"key": "k", "path": "p"} | fields]}}


def _sources(*sources: dict[str, Any]) -> dict[str, Any]:
    return {"projected": {"sources": list(sources)}}


def _one_item(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "items": [{"key": "k", "path": path}]}


_FILE = {"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}


@pytest.mark.parametrize(
    ("volume", "messages"),
    [
        ({"name": ""}, ["name: Required value"]),
        ({"secret": {}}, ["secret.secretName: Required value"]),
        ({"configMap": {}}, ["configMap.name: Required value"]),
        (
            {"emptyDir": {}, "secret": {"secretName": "s"}},
            ["secret: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            {"secret": {"secretName": "s", "defaultMode": 0o1000}},
            [f"secret.defaultMode: Invalid value: 512: {_MODE}"],
        ),
        (_item(key=""), ["secret.items[0].key: Required value"]),
        (_item(path=""), ["secret.items[0].path: Required value"]),
        (
            _item(path="/p"),
            ['secret.items[0].path: Invalid value: "/p": must be a relative path'],
        ),
        (
            _item(path="a/../b"),
            ["secret.items[0].path: Invalid value: \"a/../b\": must not contain '..'"],
        ),
        (
            _item(path="..a"),
            ["secret.items[0].path: Invalid value: \"..a\": must not start with '..'"],
        ),
        (_item(mode=-1), [f"secret.items[0].mode: Invalid value: -1: {_MODE}"]),
        ({"hostPath": {}}, ["hostPath.path: Required value"]),
        (
            {"nfs": {"server": "s", "path": "p"}},
            ['nfs.path: Invalid value: "p": must be an absolute path'],
        ),
        ({"csi": {}}, ["csi.driver: Required value"]),
        (
            {"emptyDir": {"sizeLimit": "-1"}},
            [("emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity")],
        ),
        (
            {"downwardAPI": {"items": [{"path": "p"}]}},
            ["downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"],
        ),
        (_sources({"secret": {}}), ["projected.sources[0].secret.name: Required value"]),
        (
            _sources({"secret": {"name": "s"}, "configMap": {"name": "c"}}),
            [
                (
                    "projected.sources[0]: Forbidden: "
                    "may not specify more than 1 volume type per source"
                )
            ],
        ),
        (
            _sources({"secret": _one_item("s", "p")}, {"configMap": _one_item("c", "p")}),
            ['projected: Invalid value: "c": conflicting duplicate paths'],
        ),
        (
            _sources({"serviceAccountToken": {"path": "p", "expirationSeconds": 599}}),
            [
                (
                    "projected.sources[0].serviceAccountToken.expirationSeconds: "
                    "Invalid value: 599: may not specify a duration less than 10 minutes"
                )
            ],
        ),
        (
            _sources({"serviceAccountToken": {"path": "p", "expirationSeconds": 2**32 + 1}}),
            [
                (
                    "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: "
                    "4294967297: may not specify a duration larger than 2^32 seconds"
                )
            ],
        ),
        (_sources({"serviceAccountToken": {}}), ["projected.path: Required value"]),
        ({"gitRepo": {}}, ["gitRepo.repository: Required value"]),
        (
            {"hostPath": {"path": "/a/.."}},
            ["hostPath.path: Invalid value: \"/a/..\": must not contain '..'"],
        ),
        (
            {"hostPath": {"path": "/a", "type": "x"}},
            [
                (
                    'hostPath.type: Unsupported value: "x": supported values: "", "BlockDevice", '
                    '"CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", '
                    '"Socket"'
                )
            ],
        ),
        (
            {"downwardAPI": {"items": [_FILE | {"resourceFieldRef": {"resource": "limits.cpu"}}]}},
            [
                (
                    'downwardAPI: Invalid value: "resource": '
                    "fieldRef and resourceFieldRef can not be specified simultaneously"
                )
            ],
        ),
        (
            {
                "downwardAPI": {
                    "items": [{"path": "p", "resourceFieldRef": {"resource": "limits.cpu"}}]
                }
            },
            ["downwardAPI.resourceFieldRef.containerName: Required value"],
        ),
        (
            _sources({"downwardAPI": {"items": [_FILE, _FILE]}}),
            ['projected: Invalid value: "p": conflicting duplicate paths'],
        ),
        (
            _sources({"podCertificate": {"keyPath": "p", "keyType": "ED25519"}}),
            ["projected.sources[0].podCertificate.signerName: Required value"],
        ),
        (
            _sources({"podCertificate": {"signerName": "a.io/b", "keyType": "RSA2048"}}),
            [
                (
                    "projected.sources[0].podCertificate.keyType: Unsupported value: "
                    '"RSA2048": supported values: "RSA3072", "RSA4096", "ECDSAP256", '
                    '"ECDSAP384", "ECDSAP521", "ED25519"'
                ),
                (
                    "projected.sources[0].podCertificate: Required value: specify at least one of "
                    "credentialBundlePath, keyPath, and certificateChainPath"
                ),
            ],
        ),
        (
            _sources(
                {
                    "podCertificate": {
                        "signerName": "kubernetes.io/x",
                        "keyType": "ED25519",
                        "maxExpirationSeconds": 86401,
                        "userAnnotations": {"plain": ""},
                        "keyPath": "../k",
                        "certificateChainPath": "../k",
                    }
                }
            ),
            [
                (
                    "projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: "
                    "86401: must be in the range [3600, 86400]"
                ),
                (
                    'projected.sources[0].podCertificate.userAnnotations: Invalid value: "plain": '
                    'must be a domain-prefixed key (such as "acme.io/foo")'
                ),
                (
                    "projected.sources[0].podCertificate.keyPath: Invalid value: "
                    "\"../k\": must not contain '..'"
                ),
                (
                    "projected.sources[0].podCertificate.certificateChainPath: Invalid value: "
                    "\"../k\": must not contain '..'"
                ),
                'projected: Invalid value: "../k": conflicting duplicate paths',
            ],
        ),
        (
            _sources({"clusterTrustBundle": {"path": "p", "name": ""}}),
            [
                (
                    "projected.sources[0].clusterTrustBundle.name: Required value: "
                    "must be a valid object name"
                )
            ],
        ),
        (
            _sources({"clusterTrustBundle": {"path": "p", "signerName": ""}}),
            [
                (
                    "projected.sources[0].clusterTrustBundle.signerName: Required value: "
                    "must be a valid signer name"
                )
            ],
        ),
        (
            _sources({"clusterTrustBundle": {"signerName": "a.b/c"}}),
            ["projected.sources[0].clusterTrustBundle.path: Required value"],
        ),
        (
            _sources({"clusterTrustBundle": {"path": "p"}}),
            [
                (
                    "projected.sources[0].clusterTrustBundle: Required value: "
                    "either name or signerName must be specified"
                )
            ],
        ),
    ],
)
def test_a_volume(volume: dict[str, Any], messages: list[str]) -> None:
    assert _findings(volume) == messages


def test_names_are_unique() -> None:
    errors = PODS.validate(pod(volumes=[{"name": "v"}, {"name": "v"}]))
    assert texts(errors) == ['spec.volumes[1].name: Duplicate value: "v"']


@pytest.mark.parametrize(
    ("mounts", "messages"),
    [
        ([{"name": "x", "mountPath": "/a"}], ['volumeMounts[0].name: Not found: "x"']),
        ([{"name": "v"}], ["volumeMounts[0].mountPath: Required value"]),
        (
            [{"name": "v", "mountPath": "/a"}] * 2,
            ['volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
        ),
        (
            [{"name": "v", "mountPath": "/a", "subPath": "b", "subPathExpr": "c"}],
            [
                (
                    'volumeMounts[0].subPathExpr: Invalid value: "c": '
                    "subPathExpr and subPath are mutually exclusive"
                )
            ],
        ),
        (
            [{"name": "v", "mountPath": "/a", "subPath": "/b"}],
            ['volumeMounts.subPath: Invalid value: "/b": must be a relative path'],
        ),
        (
            [{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}],
            [
                (
                    "volumeMounts.mountPropagation: Forbidden: "
                    "Bidirectional mount propagation is available only to privileged containers"
                )
            ],
        ),
        (
            [{"name": "v", "mountPath": "/a", "recursiveReadOnly": "Enabled"}],
            [
                (
                    "volumeMounts.recursiveReadOnly: Forbidden: "
                    "may only be specified when readOnly is true"
                )
            ],
        ),
    ],
)
def test_mounts(mounts: list[dict[str, Any]], messages: list[str]) -> None:
    errors = PODS.validate(pod({"volumeMounts": mounts}, volumes=[{"name": "v"}]))
    assert [text.removeprefix("spec.containers[0].") for text in texts(errors)] == messages


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        (
            {"mountPropagation": "x"},
            (
                'mountPropagation: Unsupported value: "x": '
                'supported values: "Bidirectional", "HostToContainer", "None"'
            ),
        ),
        (
            {"recursiveReadOnly": "x"},
            (
                'recursiveReadOnly: Unsupported value: "x": '
                'supported values: "Disabled", "Enabled", "IfPossible"'
            ),
        ),
        (
            {
                "recursiveReadOnly": "IfPossible",
                "readOnly": True,
                "mountPropagation": "HostToContainer",
            },
            (
                "recursiveReadOnly: Forbidden: "
                "may only be specified when mountPropagation is None or not specified"
            ),
        ),
    ],
)
def test_modes_of_a_mount(mount: dict[str, Any], message: str) -> None:
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/a"} | mount]}
    errors = PODS.validate(pod(mounts, volumes=[{"name": "v"}]))
    assert texts(errors) == [f"spec.containers[0].volumeMounts.{message}"]


def test_images_are_mounted_whole() -> None:
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "b"}]}
    volumes = [{"name": "v", "image": {"reference": "i:1"}}]
    assert texts(PODS.validate(pod(mounts, volumes=volumes))) == [
        (
            'spec.containers[0].volumeMounts[0].subPath: Invalid value: "b": '
            "not allowed in image volume sources"
        )
    ]


def _device_findings(mounts: list[dict[str, Any]], devices: list[dict[str, Any]]) -> list[str]:
    claim = {"persistentVolumeClaim": {"claimName": "c"}}
    container = {"volumeMounts": mounts, "volumeDevices": devices}
    errors = PODS.validate(pod(container, volumes=[{"name": "v"} | claim, {"name": "w"} | claim]))
    return [text.removeprefix("spec.containers[0].") for text in texts(errors)]


def test_devices_and_mounts_do_not_meet() -> None:
    same = "must not already exist"
    assert _device_findings(
        [{"name": "v", "mountPath": "/a"}], [{"name": "v", "devicePath": "/a"}]
    ) == [
        f'volumeMounts[0].name: Invalid value: "v": {same} in volumeDevices',
        f'volumeMounts[0].mountPath: Invalid value: "/a": {same} as a path in volumeDevices',
        f'volumeDevices[0].name: Invalid value: "v": {same} in volumeMounts',
        f'volumeDevices[0].devicePath: Invalid value: "/a": {same} as a path in volumeMounts',
    ]


def test_devices_have_names_and_paths_of_their_own() -> None:
    devices = [
        {"name": "v", "devicePath": "/a"},
        {"name": "v", "devicePath": "/a"},
        {"name": "", "devicePath": ""},
        {"name": "w", "devicePath": "/b/../c"},
    ]
    backsteps = "can not contain backsteps ('..')"
    assert _device_findings([], devices) == [
        'volumeDevices[1].name: Invalid value: "v": must be unique',
        'volumeDevices[1].devicePath: Invalid value: "/a": must be unique',
        "volumeDevices[2].name: Required value",
        'volumeDevices[2].name: Not found: ""',
        "volumeDevices[2].devicePath: Required value",
        f'volumeDevices[3].devicePath: Invalid value: "/b/../c": {backsteps}',
    ]


def test_a_device_needs_a_claimed_volume() -> None:
    device = {"name": "v", "devicePath": "/dev/x"}
    errors = PODS.validate(pod({"volumeDevices": [device]}, volumes=[{"name": "v"}]))
    assert texts(errors) == [
        (
            'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume '
            "source type of PersistentVolumeClaim or Ephemeral for block mode"
        )
    ]
