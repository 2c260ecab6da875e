"""Going through all containers of a pod, whatever list they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from strongroom.api.validation import Path
from strongroom.resources.pod_container import Container, EphemeralContainer
from strongroom.resources.pod_spec import PodSpec


def each_container(
    spec: PodSpec, path: Path | None = None
) -> Iterator[tuple[Container | EphemeralContainer, Path]]:
    """Every container with its path: init containers first, ephemeral containers last."""
    path = path or Path("spec")
    lists: tuple[tuple[str, Sequence[Container | EphemeralContainer]], ...] = (
        ("initContainers", spec.initContainers),
        ("containers", spec.containers),
        ("ephemeralContainers", spec.ephemeralContainers),
    )
    for name, containers in lists:
        for i, container in enumerate(containers):
            yield container, (path / name).index(i)


def restarts_always(container: Container | None) -> bool:
    """Whether an init container is a sidecar: it starts in its turn and goes on running."""
    return container is not None and container.restartPolicy == "Always"
