"""What is odd about a pod but allowed (``GetWarningsForPod`` upstream): told, not refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from strongroom.api.gotext import quote
from strongroom.api.validation import Path, dns_label
from strongroom.resources.pod_container import Container, EphemeralContainer
from strongroom.resources.pod_containers import each_container
from strongroom.resources.pod_object import Pod
from strongroom.resources.pod_projection import VolumeProjection
from strongroom.resources.pod_spec import PodSpec
from strongroom.resources.quantity import is_quantity, parse_quantity

_OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_BYTES = ("memory", "ephemeral-storage")


def new_pod_warnings(pod: Pod) -> list[str]:
    """All that the creator of a pod should know; no text holds a value of a variable."""
    return [*_name(pod.metadata.name), *pod_spec_warnings(pod.spec, Path("spec"))]


def _name(name: str) -> Iterator[str]:
    if messages := dns_label(name):
        yield (
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            f"behavior; a DNS label is recommended: [{' '.join(messages)}]"
        )


def pod_spec_warnings(spec: PodSpec, path: Path) -> Iterator[str]:
    """All that is odd about the description of a pod, in the pod or in a template of pods."""
    for i, constraint in enumerate(spec.topologySpreadConstraints):
        if constraint.labelSelector is None:
            at = (path / "topologySpreadConstraints").index(i) / "labelSelector"
            yield f"{at}: a null labelSelector results in matching no pod"
    yield from _volumes(spec, path / "volumes")
    yield from _repeated("ip", (alias.ip for alias in spec.hostAliases), path / "hostAliases")
    names = [secret.name for secret in spec.imagePullSecrets]
    yield from _repeated("name", names, path / "imagePullSecrets")
    for i, name in enumerate(names):
        if not name:
            yield f'{(path / "imagePullSecrets").index(i) / "name"}: invalid empty name ""'
    yield from _fractions(spec.overhead, path / "overhead")
    for container, at in each_container(spec, path):
        yield from _container(container, at)
    if (spec.terminationGracePeriodSeconds or 0) < 0:
        at = path / "terminationGracePeriodSeconds"
        yield f"{at}: must be >= 0; negative values are invalid and will be treated as 1"


def _volumes(spec: PodSpec, path: Path) -> Iterator[str]:
    for i, volume in enumerate(spec.volumes):
        for name, text in _OLD_VOLUMES.items():
            if getattr(volume, name) is not None:
                # Upstream spells this one otherwise than the field.
                shown = "storageOS" if name == "storageos" else name
                yield f"{path.index(i) / shown}: {text}"
    sources = [
        (i, source)
        for i, volume in enumerate(spec.volumes)
        for source in (volume.projected.sources if volume.projected else ())
    ]
    tokens = {s.serviceAccountToken.path for _, s in sources if s.serviceAccountToken}
    for i, source in sources:
        for place, file in _files(source, path.index(i) / "projected" / "sources"):
            if file in tokens:
                yield f"{place}: has duplicated path with ServiceAccountToken {quote(file)}"


def _files(source: VolumeProjection, path: Path) -> Iterator[tuple[Path, str]]:
    """The files of a source, under the paths that upstream makes of them."""
    if source.configMap:
        for i, item in enumerate(source.configMap.items):
            yield (path / "configMap").index(i), item.path
    if source.secret:
        for i, item in enumerate(source.secret.items):
            yield (path / "secrets").index(i), item.path
    if source.downwardAPI:
        for i, file in enumerate(source.downwardAPI.items):
            yield (path / "downwardAPI").index(i), file.path
    if source.clusterTrustBundle:
        yield path / "ClusterTrustBundle", source.clusterTrustBundle.path


def _repeated(what: str, values: Iterable[str], path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield f"{path.index(i) / what}: duplicate {what} {quote(value)}"
        seen.add(value)


def _container(container: Container | EphemeralContainer, path: Path) -> Iterator[str]:
    yield from _fractions(container.resources.limits, path / "resources" / "limits")
    yield from _fractions(container.resources.requests, path / "resources" / "requests")
    seen: set[str] = set()
    for i, variable in enumerate(container.env):
        # A later entry may build on an earlier one of its name; else it just hides it.
        reference = f"$({variable.name})"
        builds = not variable.valueFrom and reference in variable.value != reference
        if variable.name in seen and not builds:
            yield (
                f"{(path / 'env').index(i)}: hides previous definition of {quote(variable.name)}, "
                "which may be dropped when using apply"
            )
        seen.add(variable.name)


def _fractions(amounts: dict[str, str], path: Path) -> Iterator[str]:
    for name in _BYTES:
        amount = amounts.get(name, "")
        if is_quantity(amount) and parse_quantity(amount) % 1:
            text = f"fractional byte value {quote(amount)} is invalid, must be an integer"
            yield f"{path.key(name)}: {text}"
