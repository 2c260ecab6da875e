"""Pods run as ServiceAccounts: they get one, its token files and its pull secrets.

Source: ``plugin/pkg/admission/serviceaccount``. Which Secrets a pod may name is judged by
:mod:`strongroom.access.admission.mountable`.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from strongroom.access.admission.mountable import foreign_secret
from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.errors import GroupResource, StatusError, forbidden, not_found
from strongroom.resources.object_reference import LocalObjectReference
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container, VolumeMount
from strongroom.resources.pod_env import ObjectFieldSelector
from strongroom.resources.pod_projection import (
    ConfigMapProjection,
    DownwardAPIProjection,
    DownwardAPIVolumeFile,
    KeyToPath,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    VolumeProjection,
)
from strongroom.resources.pod_volume import Volume
from strongroom.resources.references import secret_references
from strongroom.resources.serviceaccount import ServiceAccount

DEFAULT_ACCOUNT = "default"
TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 - the beginning of a volume's name
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607
"""How long the token lives that pods get unasked. The odd number tells the API server that the
reader may be a program that never reads the file again (extended expiration)."""

MIRROR = "kubernetes.io/config.mirror"

_ATTEMPTS = 10
_SHORTEST_WAIT = 0.1
_LONGEST_WAIT = 0.2
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_ACCOUNT = GroupResource("", "serviceaccount")

Sleep = Callable[[float], Awaitable[None]]


class ServiceAccounts(Protocol):
    """What this judge asks of the rest of the server."""

    async def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        """The account, not older than any acknowledged write; None when there is none."""
        ...


class ServiceAccountAdmission:
    """Gives new pods their account, and holds them to the Secrets that it names."""

    name = "ServiceAccount"

    def __init__(self, accounts: ServiceAccounts, sleep: Sleep = asyncio.sleep) -> None:
        self._accounts = accounts
        self._sleep = sleep

    async def mutate(self, request: AdmissionRequest) -> None:
        pod = request.obj
        if not isinstance(pod, Pod) or request.operation != "CREATE":
            return
        if request.attributes.subresource or _is_mirror(pod):
            return
        if not pod.spec.serviceAccountName:
            pod.spec.serviceAccountName = pod.spec.serviceAccount = DEFAULT_ACCOUNT
        account = await self._account(request, pod)
        if _wants_token(pod, account):
            _mount_token(pod)
        if not pod.spec.imagePullSecrets:
            names = [secret.name for secret in account.imagePullSecrets]
            pod.spec.imagePullSecrets = [LocalObjectReference(name=name) for name in names]

    async def validate(self, request: AdmissionRequest) -> None:
        pod = request.obj
        if not isinstance(pod, Pod):
            return
        which = (request.operation, request.attributes.subresource)
        if which not in {("CREATE", ""), ("UPDATE", "ephemeralcontainers")}:
            return
        if request.operation == "CREATE" and _is_mirror(pod):
            _judge_mirror(request, pod)
            return
        if not pod.spec.serviceAccountName:
            where = f"{request.namespace}/{pod.metadata.name}"
            raise _refused(request, f"no service account specified for pod {where}")
        account = await self._account(request, pod)
        # Of an update, only what it may add is judged: the rest was when the pod was made.
        below = "" if request.operation == "CREATE" else "spec.ephemeralContainers"
        why = foreign_secret(pod, account, below=below)
        if why:
            raise _refused(request, why)

    async def _account(self, request: AdmissionRequest, pod: Pod) -> ServiceAccount:
        """The pod's account. That of a new namespace may still be about to be made."""
        namespace, name = request.attributes.namespace, pod.spec.serviceAccountName
        wait = random.uniform(_SHORTEST_WAIT, _LONGEST_WAIT)  # noqa: S311 - spreads load only
        for attempt in range(_ATTEMPTS if name == DEFAULT_ACCOUNT else 1):
            if attempt:
                await self._sleep(wait)
            account = await self._accounts.service_account(namespace, name)
            if account is not None:
                return account
        why = f"error looking up service account {namespace}/{name}: "
        raise _refused(request, why + not_found(_ACCOUNT, name).message)


def _refused(request: AdmissionRequest, why: str) -> StatusError:
    return forbidden(request.resource.group_resource, request.name, why)


def _is_mirror(pod: Pod) -> bool:
    return MIRROR in pod.metadata.annotations


def _judge_mirror(request: AdmissionRequest, pod: Pod) -> None:
    """A node shows with it what it runs by itself: it must not open anything of the API to it."""
    if pod.spec.serviceAccountName:
        raise _refused(request, "a mirror pod may not reference service accounts")
    if any(reference.kind == "Secret" for reference in secret_references(pod)):
        raise _refused(request, "a mirror pod may not reference secrets")
    for volume in pod.spec.volumes:
        for source in volume.projected.sources if volume.projected is not None else ():
            if source.serviceAccountToken is not None:
                why = "a mirror pod may not use ServiceAccountToken volume projections"
                raise _refused(request, why)


def _wants_token(pod: Pod, account: ServiceAccount) -> bool:
    """The pod's word counts more than the account's; without any, there is a token."""
    for word in (pod.spec.automountServiceAccountToken, account.automountServiceAccountToken):
        if word is not None:
            return word
    return True


def _mount_token(pod: Pod) -> None:
    """Mount the token's volume where nothing is mounted yet, adding it if it is not there."""
    names = (volume.name for volume in pod.spec.volumes)
    present = next((name for name in names if name.startswith(TOKEN_VOLUME)), "")
    name = present or TOKEN_VOLUME + "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))
    bare = [each for each in (*pod.spec.initContainers, *pod.spec.containers) if _is_bare(each)]
    for container in bare:
        mount = VolumeMount(name=name, readOnly=True, mountPath=MOUNT_PATH)
        container.volumeMounts = [*container.volumeMounts, mount]
    if bare and not present:
        pod.spec.volumes = [*pod.spec.volumes, Volume(name=name, projected=token_source())]


def _is_bare(container: Container) -> bool:
    return all(mount.mountPath != MOUNT_PATH for mount in container.volumeMounts)


def token_source() -> ProjectedVolumeSource:
    """What the files are made of: a token, the authority of the API server, the namespace."""
    token = ServiceAccountTokenProjection(path="token", expirationSeconds=TOKEN_SECONDS)
    authority = ConfigMapProjection(
        name="kube-root-ca.crt", items=[KeyToPath(key="ca.crt", path="ca.crt")]
    )
    namespace = DownwardAPIVolumeFile(
        path="namespace",
        fieldRef=ObjectFieldSelector(apiVersion="v1", fieldPath="metadata.namespace"),
    )
    return ProjectedVolumeSource(
        defaultMode=0o644,
        sources=[
            VolumeProjection(serviceAccountToken=token),
            VolumeProjection(configMap=authority),
            VolumeProjection(downwardAPI=DownwardAPIProjection(items=[namespace])),
        ],
    )
