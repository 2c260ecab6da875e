"""Hooks, sidecars and hasty ends, with real processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strongroom.resources.pod import PODS
from tests.node.cluster import Cluster
from tests.waiting import until

WORK: dict[str, Any] = {"volumes": [{"name": "w", "emptyDir": {}}]}
SEES_WORK: dict[str, Any] = {"volumeMounts": [{"name": "w", "mountPath": "/w"}]}
WAIT = "while :; do sleep 0.02; done"


def runs(command: str) -> dict[str, Any]:
    """A hook that runs a shell command in the container."""
    return {"exec": {"command": ["sh", "-c", command]}}


async def test_hooks_run_after_the_start_and_before_the_stop(cluster: Cluster) -> None:
    script = "until [ -e /w/post ]; do sleep 0.02; done; echo post; "
    script += "until [ -e /w/pre ]; do sleep 0.02; done; echo pre; " + WAIT
    lifecycle = {
        "postStart": runs("touch /w/post"),
        "preStop": runs("touch /w/pre; while [ ! -e /w/never ]; do sleep 0.02; done"),
    }
    await cluster.pod(
        "p",
        script,
        container={**SEES_WORK, "lifecycle": lifecycle},
        terminationGracePeriodSeconds=1,
        **WORK,
    )
    await cluster.until_logged("p", "post")
    await cluster.client.delete(PODS, "p", cluster.namespace)
    await cluster.until_gone("p")
    await cluster.until_told("p", "FailedPreStopHook", "PreStopHook failed")


async def test_a_failed_post_start_hook_ends_the_container(cluster: Cluster) -> None:
    lifecycle = {"postStart": runs("exit 1")}
    await cluster.pod("p", WAIT, container={"lifecycle": lifecycle}, restartPolicy="Never")
    await cluster.until_phase("p", "Failed")
    await cluster.until_told("p", "FailedPostStartHook", "PostStartHook failed")


async def test_a_forced_deletion_kills_at_once(cluster: Cluster) -> None:
    # A value of its own, by which the process is found among all of the machine.
    mark = f"forced-{cluster.namespace}"
    await cluster.pod(
        "p", f"trap '' TERM; echo up; : {mark}; {WAIT}", terminationGracePeriodSeconds=600
    )
    await cluster.until_logged("p", "up")
    assert alive(mark)
    await cluster.client.delete(PODS, "p", cluster.namespace, grace_seconds=0)
    await cluster.until_gone("p")

    async def dead() -> bool:
        return not alive(mark)

    await until(dead)


async def test_a_second_deletion_shortens_the_first(cluster: Cluster) -> None:
    await cluster.pod("p", f"trap '' TERM; echo up; {WAIT}", terminationGracePeriodSeconds=600)
    await cluster.until_logged("p", "up")
    await cluster.client.delete(PODS, "p", cluster.namespace)
    await cluster.until_told("p", "Killing", "Stopping container main")
    await cluster.client.delete(PODS, "p", cluster.namespace, grace_seconds=1)
    await cluster.until_gone("p")


async def test_a_sidecar_runs_beside_and_ends_after(cluster: Cluster) -> None:
    side = {
        "name": "side",
        "image": "none",
        "command": ["sh", "-c", f"trap 'exit 0' TERM; touch /w/side; {WAIT}"],
        "restartPolicy": "Always",
        "startupProbe": {"exec": {"command": ["test", "-e", "/w/side"]}, "periodSeconds": 1},
        **SEES_WORK,
    }
    await cluster.pod(
        "p",
        "ls /w",
        container=SEES_WORK,
        initContainers=[side],
        restartPolicy="Never",
        **WORK,
    )
    pod = await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == "side\n"
    assert pod.status.initContainerStatuses[0].state.terminated is not None


def alive(mark: str) -> bool:
    """Whether any process of this machine bears the mark in its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False
