"""Which files a volume holds: from Secrets, ConfigMaps and pod fields to paths, bytes and modes.

Missing objects and keys follow the kubelet: an error unless the source is optional, and then
nothing. Errors hold names and keys, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from strongroom.node.atomicwriter import FileProjection
from strongroom.node.downward import DownwardError, NodeFacts, pod_field, resource_field
from strongroom.node.objects import Ref
from strongroom.node.volumes.credentials import (
    BundleFile,
    CertificateFiles,
    Lookups,
    Made,
    TokenFile,
    Unavailable,
    files_of,
    made_for,
)
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.pod_projection import DownwardAPIVolumeFile, KeyToPath
from strongroom.resources.pod_volume import Volume
from strongroom.resources.secret import Secret

DEFAULT_MODE = 0o644


class MountError(Exception):
    """The volume cannot be set up now. The message follows "MountVolume.SetUp failed for …"."""


@dataclass(frozen=True, slots=True)
class Source:
    """An object that a volume is made of, and how the volume takes it."""

    ref: Ref
    items: tuple[KeyToPath, ...]
    optional: bool


@dataclass(slots=True)
class Payload:
    """The files of a volume by path, and which revision of each object they show."""

    files: dict[str, FileProjection] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)


Lookup = Callable[[Ref], Secret | ConfigMap | None]
"""The object as last seen, or None when it does not exist."""


def sources_of(pod: Pod, volume: Volume) -> list[Source]:
    """The objects that ``volume`` is made of, in order."""
    parts = _parts(pod, volume)
    return [part for part in parts if isinstance(part, Source)]


def made_of(pod: Pod, volume: Volume) -> list[Made]:
    """What is made for the pod and shown by ``volume``: tokens, certificates, authorities."""
    parts = _parts(pod, volume)
    return [part for part in parts if isinstance(part, _MADE)]


def is_projection(volume: Volume) -> bool:
    """Whether the volume's files come from the API (and are written by the atomic writer)."""
    sources = (volume.secret, volume.configMap, volume.downwardAPI, volume.projected)
    return any(source is not None for source in sources)


def build(
    pod: Pod,
    volume: Volume,
    *,
    lookup: Lookup,
    made: Lookups,
    node: NodeFacts,
    withdrawable: Container[Ref] = (),
) -> Payload:
    """The files of a secret, configMap, downwardAPI or projected volume.

    Of a projected volume, later sources override earlier ones at the same path. Objects that are
    ``withdrawable`` may be gone, or keys of them, and leave no files then. Raises
    :class:`MountError`.
    """
    payload = Payload()
    mode = _default_mode(volume)
    for part in _parts(pod, volume):
        if isinstance(part, Source):
            source = replace(part, optional=True) if part.ref in withdrawable else part
            _add_object(payload, source, lookup(part.ref), mode)
        elif isinstance(part, _MADE):
            _add_made(payload, pod, part, made, mode)
        else:
            _add_fields(payload, pod, part, mode, node)
    return payload


_MADE = (TokenFile, CertificateFiles, BundleFile)
Fields = tuple[DownwardAPIVolumeFile, ...]


def _parts(pod: Pod, volume: Volume) -> list[Source | Fields | Made]:
    namespace = pod.metadata.namespace
    if (secret := volume.secret) is not None:
        return [_source("secret", namespace, secret.secretName, secret.items, secret.optional)]
    if (config := volume.configMap) is not None:
        return [_source("configmap", namespace, config.name, config.items, config.optional)]
    if volume.downwardAPI is not None:
        return [tuple(volume.downwardAPI.items)]
    found: list[Source | Fields | Made] = []
    for part in volume.projected.sources if volume.projected is not None else ():
        if part.secret is not None:
            one = part.secret
            found.append(_source("secret", namespace, one.name, one.items, one.optional))
        elif part.configMap is not None:
            two = part.configMap
            found.append(_source("configmap", namespace, two.name, two.items, two.optional))
        elif part.downwardAPI is not None:
            found.append(tuple(part.downwardAPI.items))
        elif (three := made_for(pod, part)) is not None:
            found.append(three)
    return found


def _source(
    kind: str, namespace: str, name: str, items: Iterable[KeyToPath], optional: bool | None
) -> Source:
    ref = Ref("secret" if kind == "secret" else "configmap", namespace, name)
    return Source(ref, tuple(items), bool(optional))


def _default_mode(volume: Volume) -> int:
    """The volume's ``defaultMode``. API defaulting fills it in; 0644 where it did not run."""
    for source in (volume.secret, volume.configMap, volume.downwardAPI, volume.projected):
        if source is not None and source.defaultMode is not None:
            return source.defaultMode
    return DEFAULT_MODE


def _add_object(
    payload: Payload, source: Source, obj: Secret | ConfigMap | None, mode: int
) -> None:
    ref = source.ref
    if obj is None:
        if not source.optional:
            raise MountError(f'{ref.kind} "{ref.name}" not found')
        payload.shown.append(f"{ref.kind}/{ref.name} absent")
        return
    data = _data(obj)
    payload.shown.append(f"{ref.kind}/{ref.name} @ {obj.metadata.resourceVersion}")
    if not source.items:
        payload.files.update((key, FileProjection(value, mode)) for key, value in data.items())
        return
    for item in source.items:
        if item.key not in data:
            if source.optional:
                continue
            kind = "secret" if ref.kind == "secret" else "config"
            raise MountError(f"references non-existent {kind} key: {item.key}")
        item_mode = item.mode if item.mode is not None else mode
        payload.files[item.path] = FileProjection(data[item.key], item_mode, item.user)


def _add_made(payload: Payload, pod: Pod, part: Made, made: Lookups, mode: int) -> None:
    try:
        payload.files.update(files_of(pod, part, made, mode))
    except Unavailable as error:
        raise MountError(str(error)) from error


def _data(obj: Secret | ConfigMap) -> Mapping[str, bytes]:
    if isinstance(obj, Secret):
        return obj.data
    return {**{k: v.encode() for k, v in obj.data.items()}, **obj.binaryData}


def _add_fields(
    payload: Payload,
    pod: Pod,
    items: Iterable[DownwardAPIVolumeFile],
    mode: int,
    node: NodeFacts,
) -> None:
    for item in items:
        item_mode = item.mode if item.mode is not None else mode
        text = _field(pod, item, node)
        payload.files[item.path] = FileProjection(text.encode(), item_mode, item.user)


def _field(pod: Pod, item: DownwardAPIVolumeFile, node: NodeFacts) -> str:
    try:
        if item.fieldRef is not None:
            return pod_field(pod, item.fieldRef, node)
        if item.resourceFieldRef is not None:
            named = item.resourceFieldRef.containerName
            every = [*pod.spec.initContainers, *pod.spec.containers]
            container = next((c for c in every if c.name == named), None)
            if container is None:
                raise MountError(f"container {named} not found")
            return resource_field(container, item.resourceFieldRef, node)
    except DownwardError as error:
        raise MountError(str(error)) from error
    return ""
