"""Which Secrets and ConfigMaps a pod refers to, by environment and by volume."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.node.objects import Ref
from strongroom.node.volumes.payload import sources_of
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container


def references_of(pod: Pod) -> set[Ref]:
    """Every object whose content the pod's containers may see."""
    found: set[Ref] = set()
    for container in (*pod.spec.initContainers, *pod.spec.containers):
        found.update(_of_environment(pod.metadata.namespace, container))
    for volume in pod.spec.volumes:
        found.update(source.ref for source in sources_of(pod, volume))
    return {ref for ref in found if ref.name}


def _of_environment(namespace: str, container: Container) -> Iterator[Ref]:
    for source in container.envFrom:
        if source.secretRef is not None:
            yield Ref("secret", namespace, source.secretRef.name)
        if source.configMapRef is not None:
            yield Ref("configmap", namespace, source.configMapRef.name)
    for variable in container.env:
        value = variable.valueFrom
        if value is None:
            continue
        if value.secretKeyRef is not None:
            yield Ref("secret", namespace, value.secretKeyRef.name)
        if value.configMapKeyRef is not None:
            yield Ref("configmap", namespace, value.configMapKeyRef.name)
