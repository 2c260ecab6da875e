"""Pods get a ServiceAccount, its token and its pull secrets, as kube-apiserver gives them."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.serviceaccount import MOUNT_PATH, ServiceAccountAdmission
from strongroom.api.codec import to_tree
from strongroom.api.errors import StatusError
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.serviceaccount import ServiceAccount
from tests.access.around import Around
from tests.access.test_admission import ADMIN, request
from tests.resources.making import made

MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}}
SOURCES = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {
        "downwardAPI": {
            "items": [
                {
                    "path": "namespace",
                    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                }
            ]
        }
    },
]


def account(name: str = "default", **fields: Any) -> ServiceAccount:
    return made({"metadata": {"name": name, "namespace": "x"}, **fields}, ServiceAccount)


def pod(metadata: dict[str, Any] | None = None, **spec: Any) -> Pod:
    spec.setdefault("containers", [{"name": "c", "image": "i"}])
    tree = {"metadata": {"name": "p", "namespace": "x", **(metadata or {})}, "spec": spec}
    obj = made(tree, Pod)
    PODS.default(obj)
    return obj


def creation(obj: Pod) -> AdmissionRequest:
    return request(ADMIN, "CREATE", "pods", namespace="x", name="p", obj=obj)


def plugin(*accounts: ServiceAccount) -> ServiceAccountAdmission:
    return ServiceAccountAdmission(Around({("x", a.metadata.name): a for a in accounts}))


async def admitted(obj: Pod, *accounts: ServiceAccount) -> dict[str, Any]:
    """The spec of the pod when all has been done to it."""
    judge, asked = plugin(*accounts), creation(obj)
    await judge.mutate(asked)
    await judge.validate(asked)
    return dict(to_tree(obj)["spec"])


async def refusal(obj: Pod, *accounts: ServiceAccount) -> str:
    with pytest.raises(StatusError) as raised:
        await admitted(obj, *accounts)
    assert raised.value.code == 403
    return raised.value.message.removeprefix('pods "p" is forbidden: ')


def mounts(container: dict[str, Any]) -> list[str]:
    return [mount["mountPath"] for mount in container.get("volumeMounts", [])]


async def test_what_a_plain_pod_gets() -> None:
    spec = await admitted(pod(initContainers=[{"name": "i", "image": "i"}]), account())
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    assert volume["projected"] == {"defaultMode": 0o644, "sources": SOURCES}
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert spec["containers"][0]["volumeMounts"] == [mount]
    assert spec["initContainers"][0]["volumeMounts"] == [mount]


@pytest.mark.parametrize("of_pod", [None, True, False])
@pytest.mark.parametrize("of_account", [None, True, False])
async def test_automount(of_pod: bool | None, of_account: bool | None) -> None:
    obj = pod(automountServiceAccountToken=of_pod)
    spec = await admitted(obj, account(automountServiceAccountToken=of_account))
    wanted = next((word for word in (of_pod, of_account) if word is not None), True)
    assert ("volumes" in spec, bool(mounts(spec["containers"][0]))) == (wanted, wanted)


async def test_what_is_mounted_there_stays() -> None:
    own = [{"name": "v", "mountPath": MOUNT_PATH}]
    containers = [{"name": "a", "image": "i", "volumeMounts": own}, {"name": "b", "image": "i"}]
    volumes = [{"name": "v", "emptyDir": {}}]
    spec = await admitted(pod(containers=containers, volumes=volumes), account())
    first, second = spec["containers"]
    assert [mount["name"] for mount in first["volumeMounts"]] == ["v"]
    assert second["volumeMounts"][0]["name"] == spec["volumes"][1]["name"]
    only = await admitted(pod(containers=containers[:1], volumes=volumes), account())
    assert [volume["name"] for volume in only["volumes"]] == ["v"]


async def test_done_twice_is_done_once() -> None:
    """A pod that is read back and made elsewhere, or that a webhook gave another container."""
    obj = pod()
    before = await admitted(obj, account())
    assert await admitted(obj, account()) == before
    obj.spec.initContainers = pod(initContainers=[{"name": "w"}]).spec.initContainers
    spec = await admitted(obj, account())
    (volume,) = spec["volumes"]
    assert spec["initContainers"][0]["volumeMounts"][0]["name"] == volume["name"]


async def test_pull_secrets_are_the_accounts_when_the_pod_has_none() -> None:
    given = account(imagePullSecrets=[{"name": "a"}, {"name": "b"}])
    assert (await admitted(pod(), given))["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    own = await admitted(pod(imagePullSecrets=[{"name": "c"}]), given)
    assert own["imagePullSecrets"] == [{"name": "c"}]


@pytest.mark.parametrize(("name", "asked"), [("default", 10), ("other", 1)])
async def test_an_account_that_is_missing(name: str, asked: int) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    judge = ServiceAccountAdmission(Around(), sleep)
    with pytest.raises(StatusError) as raised:
        await judge.mutate(creation(pod(serviceAccountName=name)))
    assert (raised.value.code, raised.value.message) == (
        403,
        (
            f'pods "p" is forbidden: error looking up service account x/{name}: '
            f'serviceaccount "{name}" not found'
        ),
    )
    assert len(waits) == asked - 1
    assert all(0.1 <= wait <= 0.2 for wait in waits)


async def test_an_account_that_comes_while_it_is_waited_for() -> None:
    around = Around()

    async def sleep(seconds: float) -> None:
        around.accounts["x", "default"] = account()

    obj = pod()
    await ServiceAccountAdmission(around, sleep).mutate(creation(obj))
    assert obj.spec.volumes


async def test_an_account_of_another_namespace_is_none() -> None:
    judge = ServiceAccountAdmission(Around({("y", "mine"): account("mine")}))
    with pytest.raises(StatusError, match="x/mine"):
        await judge.mutate(creation(pod(serviceAccountName="mine")))


async def test_a_mirror_pod_is_left_as_it_is() -> None:
    obj = pod(MIRROR)
    before = to_tree(obj)["spec"]
    assert await admitted(obj) == before


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"serviceAccountName": "a"}, "a mirror pod may not reference service accounts"),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            "a mirror pod may not reference secrets",
        ),
        ({"imagePullSecrets": [{"name": "s"}]}, "a mirror pod may not reference secrets"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [SOURCES[0]]}}]},
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ],
)
async def test_what_a_mirror_pod_may_not_use(spec: dict[str, Any], why: str) -> None:
    assert await refusal(pod(MIRROR, **spec)) == why


async def test_other_writes_are_not_its_business() -> None:
    judge, obj = plugin(), pod()
    for operation in ("UPDATE", "DELETE"):
        asked = request(ADMIN, operation, "pods", namespace="x", name="p", obj=obj, old=obj)
        await judge.mutate(asked)
        await judge.validate(asked)
    assert obj == pod()


async def test_a_pod_whose_account_a_webhook_took_away() -> None:
    with pytest.raises(StatusError, match="no service account specified for pod x/p"):
        await plugin(account()).validate(creation(pod()))
