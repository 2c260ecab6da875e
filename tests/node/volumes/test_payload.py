"""Which files a volume holds, and what is said when it cannot be made."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api import codec
from strongroom.node.downward import NodeFacts
from strongroom.node.objects import Ref
from strongroom.node.podcertificates import Bundle
from strongroom.node.tokens import TokenUnavailable, Wanted
from strongroom.node.trustbundles import WantedBundle
from strongroom.node.volumes.credentials import Lookups
from strongroom.node.volumes.payload import MountError, Payload, build
from strongroom.node.wantedcertificates import WantedCertificate
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret

NODE = NodeFacts("n", ("10.0.0.1",), {"cpu": "2", "memory": "1Gi"})


def secret(**data: bytes) -> Secret:
    """A stored Secret at revision 7."""
    made = Secret(data=dict(data))
    made.metadata.resourceVersion = "7"
    return made


def built(
    volume: dict[str, Any],
    *,
    security: dict[str, Any] | None = None,
    users: tuple[int | None, ...] = (None,),
    **objects: Secret | ConfigMap,
) -> Payload:
    """The payload of a volume, where ``objects`` exist and containers run as ``users``."""
    tree = {
        "metadata": {"name": "p", "namespace": "ns", "labels": {"b": "2", "a": 'x"y'}},
        "spec": {
            "volumes": [{"name": "v", **volume}],
            "serviceAccountName": "robot",
            "securityContext": security,
            "containers": [
                {
                    "name": "c",
                    "resources": {"requests": {"memory": "32Mi"}},
                    "securityContext": {"runAsUser": user},
                }
                for user in users
            ],
        },
    }
    pod = codec.from_tree(tree, Pod)

    def lookup(ref: Ref) -> Secret | ConfigMap | None:
        return objects.get(f"{ref.kind}_{ref.name}")

    def token(wanted: Wanted) -> str:
        if wanted.account != "robot":
            raise TokenUnavailable("failed to fetch token: why")
        return f"{wanted.audience} {wanted.seconds}"

    def certificate(wanted: WantedCertificate) -> Bundle:
        return Bundle(b"key of " + wanted.signer.encode(), b"chain")

    def bundle(wanted: WantedBundle) -> bytes:
        raise AssertionError(wanted)

    made = Lookups(token, certificate, bundle)
    return build(pod, pod.spec.volumes[0], lookup=lookup, made=made, node=NODE)


def contents(payload: Payload) -> dict[str, bytes]:
    """Path to bytes."""
    return {path: file.data for path, file in payload.files.items()}


def test_all_keys_with_the_default_mode() -> None:
    payload = built({"secret": {"secretName": "s"}}, secret_s=secret(a=b"1", b=b"2"))
    assert contents(payload) == {"a": b"1", "b": b"2"}
    assert {file.mode for file in payload.files.values()} == {0o644}
    assert payload.shown == ["secret/s @ 7"]


def test_items_pick_rename_and_set_modes() -> None:
    items = [{"key": "a", "path": "x/y", "mode": 0o400}, {"key": "b", "path": "z"}]
    volume = {"secret": {"secretName": "s", "items": items, "defaultMode": 0o440}}
    payload = built(volume, secret_s=secret(a=b"1", b=b"2", c=b"3"))
    assert {path: file.mode for path, file in payload.files.items()} == {"x/y": 0o400, "z": 0o440}


def test_what_is_missing() -> None:
    with pytest.raises(MountError, match=r'^secret "s" not found$'):
        built({"secret": {"secretName": "s"}})
    with pytest.raises(MountError, match=r'^configmap "c" not found$'):
        built({"configMap": {"name": "c"}})
    volume = {"secret": {"secretName": "s", "items": [{"key": "k", "path": "k"}]}}
    with pytest.raises(MountError, match=r"^references non-existent secret key: k$"):
        built(volume, secret_s=secret())
    volume = {"configMap": {"name": "c", "items": [{"key": "k", "path": "k"}]}}
    with pytest.raises(MountError, match=r"^references non-existent config key: k$"):
        built(volume, configmap_c=ConfigMap())


def test_optional_is_empty() -> None:
    payload = built({"secret": {"secretName": "s", "optional": True}})
    assert payload.files == {}
    assert payload.shown == ["secret/s absent"]
    items = [{"key": "k", "path": "k"}]
    volume = {"secret": {"secretName": "s", "optional": True, "items": items}}
    assert built(volume, secret_s=secret()).files == {}


def test_a_config_map_brings_text_and_bytes() -> None:
    made = ConfigMap(data={"a": "ä"}, binaryData={"b": b"\xff"})
    assert contents(built({"configMap": {"name": "c"}}, configmap_c=made)) == {
        "a": "ä".encode(),
        "b": b"\xff",
    }


def test_later_sources_win() -> None:
    sources = [{"secret": {"name": "s"}}, {"secret": {"name": "t"}}]
    volume = {"projected": {"sources": sources}}
    payload = built(volume, secret_s=secret(a=b"s", b=b"s"), secret_t=secret(a=b"t"))
    assert contents(payload) == {"a": b"t", "b": b"s"}


def tokens(*sources: dict[str, Any], mode: int = 0o644) -> dict[str, Any]:
    """A projected volume of tokens."""
    projected = [{"serviceAccountToken": source} for source in sources]
    return {"projected": {"sources": projected, "defaultMode": mode}}


def test_tokens() -> None:
    volume = tokens({"path": "t"}, {"path": "d/u", "audience": "vault", "expirationSeconds": 600})
    assert contents(built(volume)) == {"t": b" 3600", "d/u": b"vault 600"}


@pytest.mark.parametrize(
    ("security", "users", "mode", "owner"),
    [
        (None, (None,), 0o644, None),
        ({"runAsUser": 1000}, (None,), 0o600, 1000),
        ({"fsGroup": 10000}, (None,), 0o600, None),
        ({"fsGroup": 10000, "runAsUser": 1000}, (None, None), 0o600, 1000),
        ({"runAsUser": 1000}, (1000, None, 1000), 0o600, 1000),
        ({"runAsUser": 1000}, (2000, None), 0o644, None),
        (None, (1000, None), 0o644, None),
        (None, (0,), 0o600, 0),
    ],
)
def test_whose_a_tokens_file_is(
    security: dict[str, Any] | None, users: tuple[int | None, ...], mode: int, owner: int | None
) -> None:
    """fsGroup widens 0600 to 0640 afterwards, on the whole volume."""
    (file,) = built(tokens({"path": "t"}), security=security, users=users).files.values()
    assert (file.mode, file.uid) == (mode, owner)


def test_a_tokens_file_may_name_its_owner() -> None:
    (file,) = built(tokens({"path": "t", "user": 7}, mode=0o444), users=(5,)).files.values()
    assert (file.mode, file.uid) == (0o600, 7)


def test_whose_a_keys_file_is() -> None:
    wanted = {"signerName": "s", "keyType": "ED25519", "keyPath": "k", "user": 7}
    files = built({"projected": {"sources": [{"podCertificate": wanted}]}}).files
    assert {path: (file.data, file.mode, file.uid) for path, file in files.items()} == {
        "k": (b"key of s", 0o600, 7)
    }


def test_the_pod_about_itself() -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "a", "fieldRef": {"fieldPath": "metadata.labels['a']"}},
        {
            "path": "limit",
            "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"},
        },
        {
            "path": "memory",
            "resourceFieldRef": {
                "containerName": "c",
                "resource": "requests.memory",
                "divisor": "1Mi",
            },
        },
    ]
    assert contents(built({"downwardAPI": {"items": items}})) == {
        "labels": b'a="x\\"y"\nb="2"',
        "a": b'x"y',
        "limit": b"2",
        "memory": b"32",
    }


def test_no_repr_shows_a_value() -> None:
    payload = built({"secret": {"secretName": "s"}}, secret_s=secret(a=b"hunter2"))
    assert "hunter2" not in repr(payload)
