"""From a container of the API to what a runtime starts: everything resolved and expanded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from strongroom.node.environment import ConfigError
from strongroom.node.expansion import expand
from strongroom.node.runtimes.port import ContainerSpec, ContainerStartError, Mount
from strongroom.node.volumes.manager import Mounted
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container, VolumeMount
from strongroom.resources.pod_security import PodSecurityContext, SecurityContext

NO_COMMAND = (
    "the process runtime needs a command: it runs no image, so set the container's command or args"
)


def container_spec(
    pod: Pod,
    container: Container,
    *,
    attempt: int,
    env: Mapping[str, str],
    volumes: Mapping[str, Mounted],
) -> ContainerSpec:
    """What to start. Raises ConfigError and ContainerStartError with the kubelet's texts."""
    argv = tuple(expand(part, env) for part in (*container.command, *container.args))
    if not argv:
        raise ContainerStartError("CreateContainerError", NO_COMMAND)
    general = pod.spec.securityContext or PodSecurityContext()
    own = container.securityContext or SecurityContext()
    user = own.runAsUser if own.runAsUser is not None else general.runAsUser
    group = own.runAsGroup if own.runAsGroup is not None else general.runAsGroup
    _check_non_root(pod, container, user, own.runAsNonRoot, general.runAsNonRoot)
    groups = list(general.supplementalGroups)
    if general.fsGroup is not None:
        groups.append(general.fsGroup)
    capabilities = own.capabilities
    policy = container.terminationMessagePolicy
    return ContainerSpec(
        pod_uid=pod.metadata.uid,
        namespace=pod.metadata.namespace,
        pod=pod.metadata.name,
        name=container.name,
        attempt=attempt,
        argv=argv,
        env=env,
        cwd=container.workingDir or "/",
        mounts=tuple(mount_of(container, m, env, volumes) for m in container.volumeMounts),
        hostname=pod.spec.hostname or pod.metadata.name,
        user=user,
        group=group,
        groups=tuple(groups),
        read_only_root=bool(own.readOnlyRootFilesystem),
        no_new_privileges=own.allowPrivilegeEscalation is False,
        privileged=bool(own.privileged),
        add_capabilities=tuple(capabilities.add) if capabilities else (),
        drop_capabilities=tuple(capabilities.drop) if capabilities else (),
        termination_message_path=container.terminationMessagePath or "/dev/termination-log",
        termination_message_policy=(
            "FallbackToLogsOnError" if policy == "FallbackToLogsOnError" else "File"
        ),
    )


def _check_non_root(
    pod: Pod, container: Container, user: int | None, own: bool | None, general: bool | None
) -> None:
    if not (own if own is not None else general):
        return
    meta = pod.metadata
    where = f'(pod: "{meta.name}_{meta.namespace}({meta.uid})", container: {container.name})'
    if user is None:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if user == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")


def mount_of(
    container: Container,
    mount: VolumeMount,
    env: Mapping[str, str],
    volumes: Mapping[str, Mounted],
) -> Mount:
    """Where a volume goes in a container. Raises :class:`ConfigError`, which holds no value."""
    volume = volumes.get(mount.name)
    if volume is None:
        raise ConfigError(
            f'cannot find volume "{mount.name}" to mount into container "{container.name}"'
        )
    return Mount(
        source=volume.path,
        target=str(PurePosixPath("/") / mount.mountPath),
        read_only=mount.readOnly or volume.read_only,
        sub_path=_sub_path(mount, env),
    )


def _sub_path(mount: VolumeMount, env: Mapping[str, str]) -> str:
    # Messages name what the pod says, not what came of it: a variable may hold a Secret's value.
    path = told = mount.subPath
    if mount.subPathExpr:
        told = mount.subPathExpr
        # Unlike elsewhere, an unknown variable is an error: it would name a wrong directory.
        path = expand(told, _Known(env))
    if path.startswith("/"):
        raise ConfigError(f"error SubPath `{told}` must not be an absolute path")
    if ".." in path.split("/"):
        raise ConfigError(f"unable to provision SubPath `{told}`: must not contain '..'")
    return path


class _Known(Mapping[str, str]):
    """Variables of which only known ones may be asked for."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def __getitem__(self, name: str) -> str:
        if name not in self._env:
            raise ConfigError(f'missing value for "{name}"')
        return self._env[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._env)

    def __len__(self) -> int:
        return len(self._env)
