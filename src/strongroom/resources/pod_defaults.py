"""What a pod gets that its writer left out, as upstream's ``SetDefaults_…`` functions say."""

from __future__ import annotations

import re

from strongroom.resources.pod_claim import PersistentVolumeClaimSpec
from strongroom.resources.pod_container import Container, EphemeralContainer
from strongroom.resources.pod_containers import each_container
from strongroom.resources.pod_env import EnvVar, ObjectFieldSelector
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_probe import HTTPGetAction, Lifecycle, Probe
from strongroom.resources.pod_projection import DownwardAPIVolumeFile, ProjectedVolumeSource
from strongroom.resources.pod_security import PodSecurityContext
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.pod_volume import EmptyDirVolumeSource, Volume
from strongroom.resources.quantity import canonicalize_quantities

_FILE_MODE = 0o644
_TOKEN_SECONDS = 3600
_IMAGE = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?"  # registry
    r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"  # repository
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


def default_pod(pod: Pod) -> None:
    """Fill in everything that has a default. Fit for invalid pods: they are judged later."""
    spec = pod.spec
    canonicalize_quantities(pod)
    default_pod_spec(spec)
    for container in (*spec.initContainers, *spec.containers):
        # Who limits without requesting requests the limit.
        for name, amount in container.resources.limits.items():
            container.resources.requests.setdefault(name, amount)
        for port in container.ports if spec.hostNetwork else ():
            port.hostPort = port.hostPort or port.containerPort
    if spec.enableServiceLinks is None:
        spec.enableServiceLinks = True


def default_pod_spec(spec: PodSpec) -> None:
    """Fill in what has a default wherever pods are described, be it in a pod or a template."""
    for container, _ in each_container(spec):
        _default_container(container)
    for volume in spec.volumes:
        _default_volume(volume)
    _default_spec(spec)


def _default_spec(spec: PodSpec) -> None:
    spec.restartPolicy = spec.restartPolicy or "Always"
    spec.dnsPolicy = spec.dnsPolicy or "ClusterFirst"
    spec.schedulerName = spec.schedulerName or "default-scheduler"
    if spec.securityContext is None:
        spec.securityContext = PodSecurityContext()
    if spec.terminationGracePeriodSeconds is None:
        spec.terminationGracePeriodSeconds = 30
    # The old name of the field is an alias that is always shown, too.
    spec.serviceAccountName = spec.serviceAccountName or spec.serviceAccount
    spec.serviceAccount = spec.serviceAccountName


def _default_container(container: Container | EphemeralContainer) -> None:
    container.terminationMessagePath = container.terminationMessagePath or "/dev/termination-log"
    container.terminationMessagePolicy = container.terminationMessagePolicy or "File"
    container.imagePullPolicy = container.imagePullPolicy or pull_policy(container.image)
    for port in container.ports:
        port.protocol = port.protocol or "TCP"
    for variable in container.env:
        _default_variable(variable)
    for probe in (container.livenessProbe, container.readinessProbe, container.startupProbe):
        if probe:
            _default_probe(probe)
    if container.lifecycle:
        _default_lifecycle(container.lifecycle)


def pull_policy(image: str) -> str:
    """Always for the tag ``latest``, which is also what no tag means; IfNotPresent otherwise."""
    match = _IMAGE.fullmatch(image)
    if match is None or (match["digest"] and not match["tag"]):
        return "IfNotPresent"
    return "Always" if (match["tag"] or "latest") == "latest" else "IfNotPresent"


def _default_variable(variable: EnvVar) -> None:
    source = variable.valueFrom
    if source and source.fieldRef:
        _default_field(source.fieldRef)
    if source and source.resourceFieldRef:
        source.resourceFieldRef.divisor = source.resourceFieldRef.divisor or "0"
    if source and source.fileKeyRef and source.fileKeyRef.optional is None:
        source.fileKeyRef.optional = False


def _default_field(selector: ObjectFieldSelector) -> None:
    selector.apiVersion = selector.apiVersion or "v1"


def _default_probe(probe: Probe) -> None:
    probe.timeoutSeconds = probe.timeoutSeconds or 1
    probe.periodSeconds = probe.periodSeconds or 10
    probe.successThreshold = probe.successThreshold or 1
    probe.failureThreshold = probe.failureThreshold or 3
    if probe.httpGet:
        _default_http(probe.httpGet)
    if probe.grpc and probe.grpc.service is None:
        probe.grpc.service = ""


def _default_lifecycle(lifecycle: Lifecycle) -> None:
    for handler in (lifecycle.postStart, lifecycle.preStop):
        if handler and handler.httpGet:
            _default_http(handler.httpGet)


def _default_http(action: HTTPGetAction) -> None:
    action.path = action.path or "/"
    action.scheme = action.scheme or "HTTP"


def _default_volume(volume: Volume) -> None:
    if not has_source(volume):
        volume.emptyDir = EmptyDirVolumeSource()
    for files in (volume.secret, volume.configMap, volume.downwardAPI, volume.projected):
        if files and files.defaultMode is None:
            files.defaultMode = _FILE_MODE
    if volume.downwardAPI:
        _default_files(volume.downwardAPI.items)
    if volume.projected:
        _default_projected(volume.projected)
    if volume.hostPath and volume.hostPath.type is None:
        volume.hostPath.type = ""
    if volume.image:
        volume.image.pullPolicy = volume.image.pullPolicy or pull_policy(volume.image.reference)
    if volume.ephemeral and volume.ephemeral.volumeClaimTemplate:
        default_claim(volume.ephemeral.volumeClaimTemplate.spec)
    _default_storage(volume)


def has_source(volume: Volume) -> bool:
    """Whether the volume says what it is made of."""
    return any(getattr(volume, name) is not None for name in Volume.__struct_fields__[1:])


def _default_projected(projected: ProjectedVolumeSource) -> None:
    for source in projected.sources:
        if source.downwardAPI:
            _default_files(source.downwardAPI.items)
        token = source.serviceAccountToken
        if token and token.expirationSeconds is None:
            token.expirationSeconds = _TOKEN_SECONDS


def _default_files(files: list[DownwardAPIVolumeFile]) -> None:
    for file in files:
        if file.fieldRef:
            _default_field(file.fieldRef)
        if file.resourceFieldRef:
            file.resourceFieldRef.divisor = file.resourceFieldRef.divisor or "0"


def default_claim(claim: PersistentVolumeClaimSpec) -> None:
    """Fill in what has a default in a claim of storage."""
    if claim.volumeMode is None:
        claim.volumeMode = "Filesystem"


def _default_storage(volume: Volume) -> None:
    if volume.iscsi:
        volume.iscsi.iscsiInterface = volume.iscsi.iscsiInterface or "default"
    if volume.rbd:
        volume.rbd.pool = volume.rbd.pool or "rbd"
        volume.rbd.user = volume.rbd.user or "admin"
        volume.rbd.keyring = volume.rbd.keyring or "/etc/ceph/keyring"
    if volume.scaleIO:
        volume.scaleIO.storageMode = volume.scaleIO.storageMode or "ThinProvisioned"
        volume.scaleIO.fsType = volume.scaleIO.fsType or "xfs"
    disk = volume.azureDisk
    if disk:
        disk.cachingMode = "ReadWrite" if disk.cachingMode is None else disk.cachingMode
        disk.fsType = "ext4" if disk.fsType is None else disk.fsType
        disk.readOnly = bool(disk.readOnly)
        disk.kind = "Shared" if disk.kind is None else disk.kind
