"""Starting one container of a pod: environment, mounts, the start itself, its postStart hook."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from strongroom.node.container_spec import container_spec
from strongroom.node.environment import ConfigError, resolve_environment
from strongroom.node.granted import account_of, given_to
from strongroom.node.handlers import HOOK_LIMIT, HandlerFailed, run_hook
from strongroom.node.objects import ObjectCache, ObjectMissing, Ref
from strongroom.node.records import Record, Waiting
from strongroom.node.runtimes.port import ContainerSpec, ContainerStartError
from strongroom.node.surroundings import Surroundings
from strongroom.node.volumes.manager import PodVolumes
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret

CONFIG_RETRY = timedelta(seconds=10)
"""Between tries of a container whose configuration fails; a changed object ends the wait."""


async def start_container(
    pod: Pod, record: Record, *, around: Surroundings, volumes: PodVolumes
) -> bool:
    """Try to start the next attempt; whether it runs.

    A failure is noted in the record and told in an event, in the kubelet's words.
    """
    init = record.kind != "app"
    image = record.spec.image
    pulled = f'Container image "{image}" already present on machine and can be accessed by the pod'
    around.tell(pod, "Normal", "Pulled", pulled, container=record.name, init=init)
    try:
        spec = await _prepare(pod, record, around, volumes)
    except ConfigError as error:
        return _put_off(pod, record, around, "CreateContainerConfigError", str(error))
    except ContainerStartError as error:
        return _put_off(pod, record, around, error.reason, error.message)
    try:
        handle = await around.runtime.start_container(spec)
    except ContainerStartError as error:
        waiting = Waiting(error.reason, error.message)
        record.fail_to_begin(waiting, around.clock.now(), error.exit_code)
        _tell_failure(pod, record, around, error.message)
        return False
    record.begin(handle.id, handle.started_at)
    around.tell(pod, "Normal", "Created", "Container created", container=record.name, init=init)
    around.tell(pod, "Normal", "Started", "Container started", container=record.name, init=init)
    return True


async def run_post_start(pod: Pod, record: Record, *, around: Surroundings) -> bool:
    """Run the postStart hook of a container that just began; False when it failed."""
    lifecycle = record.spec.lifecycle
    if lifecycle is None or lifecycle.postStart is None:
        return True
    try:
        await run_hook(
            lifecycle.postStart,
            record.spec,
            record.container_id,
            runtime=around.runtime,
            address=around.node.addresses[0],
            sleep=around.sleep,
            limit=HOOK_LIMIT,
        )
    except HandlerFailed:
        around.tell(
            pod,
            "Warning",
            "FailedPostStartHook",
            "PostStartHook failed",
            container=record.name,
            init=record.kind != "app",
        )
        return False
    return True


async def _prepare(
    pod: Pod, record: Record, around: Surroundings, volumes: PodVolumes
) -> ContainerSpec:
    env = await resolve_environment(
        pod,
        record.spec,
        fetch=partial(_given, around.objects, account_of(pod)),
        node=around.node,
        services=around.services.of(pod),
    )
    return container_spec(
        pod, record.spec, attempt=record.attempts, env=env, volumes=volumes.mounted
    )


async def _given(objects: ObjectCache, account: str, ref: Ref) -> Secret | ConfigMap:
    """What is given of an object to pods of this account. Raises as ``ObjectCache.fetch``."""
    found = given_to(account, await objects.fetch(ref))
    if found is None:
        raise ObjectMissing(ref)
    return found


def _put_off(pod: Pod, record: Record, around: Surroundings, reason: str, message: str) -> bool:
    """Nothing was started: no attempt is counted, and it's tried again soon."""
    record.waiting = Waiting(reason, message)
    record.retry_at = around.clock.now() + CONFIG_RETRY
    _tell_failure(pod, record, around, message)
    return False


def _tell_failure(pod: Pod, record: Record, around: Surroundings, message: str) -> None:
    around.tell(
        pod,
        "Warning",
        "Failed",
        f"Error: {message}",
        container=record.name,
        init=record.kind != "app",
    )
