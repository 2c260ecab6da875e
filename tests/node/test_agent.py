"""Pods with Secrets on a real node, seen from the API and from inside."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.client.client import Patch
from strongroom.node.status import VOLUMES_CONDITION
from strongroom.resources.configmap import CONFIG_MAPS
from strongroom.resources.pod import PODS
from strongroom.resources.secret import SECRETS
from tests.node.cluster import Cluster, condition, exit_code, waiting
from tests.waiting import until

FOLLOW = 'while :; do printf "<%s>\\n" "$(cat /etc/s/k 2>/dev/null)"; sleep 0.02; done'


def secret_volume(name: str = "db", **more: Any) -> dict[str, Any]:
    """A pod's volume `s` of a Secret."""
    return {"volumes": [{"name": "s", "secret": {"secretName": name, **more}}]}


def mounted(**more: Any) -> dict[str, Any]:
    """A container that sees volume `s` at /etc/s."""
    return {"volumeMounts": [{"name": "s", "mountPath": "/etc/s"}], **more}


def from_secret(name: str, secret: str, key: str, **more: Any) -> dict[str, Any]:
    """A variable that takes a key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **more}}}


async def test_a_pod_reads_its_secret_and_a_change_follows(cluster: Cluster) -> None:
    made = await cluster.secret("db", k="one")
    await cluster.pod(
        "p",
        f'echo "env=$K"; {FOLLOW}',
        container=mounted(env=[from_secret("K", "db", "k")]),
        **secret_volume(),
    )
    pod = await cluster.until("p", lambda pod: condition(pod, "Ready")[0] == "True")
    assert pod.status.phase == "Running"
    assert pod.status.podIP == pod.status.hostIP != ""
    shown = f"s: secret/db @ {made.metadata.resourceVersion}"
    assert condition(pod, VOLUMES_CONDITION) == ("True", "UpToDate", shown)
    assert "env=one" in await cluster.until_logged("p", "<one>")
    changed = await cluster.change_secret("db", k="two")
    await cluster.until_logged("p", "<two>")
    shown = f"s: secret/db @ {changed.metadata.resourceVersion}"
    await cluster.until("p", lambda pod: condition(pod, VOLUMES_CONDITION)[2] == shown)
    told = [reason for reason, _ in await cluster.events("p")]
    assert told == ["Pulled", "Created", "Started"]


async def test_a_missing_secret_is_waited_for(cluster: Cluster) -> None:
    await cluster.pod(
        "p", "cat /etc/s/k", container=mounted(), restartPolicy="Never", **secret_volume()
    )
    text = 'MountVolume.SetUp failed for volume "s" : secret "db" not found'
    await cluster.until_told("p", "FailedMount", text)
    pod = await cluster.until("p", lambda pod: waiting(pod)[0] == "ContainerCreating")
    assert pod.status.phase == "Pending"
    await cluster.secret("db", k="here")
    await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == "here"


async def test_a_missing_item_is_waited_for(cluster: Cluster) -> None:
    await cluster.secret("db", k="v")
    volume = secret_volume(items=[{"key": "data_4", "path": "x"}])
    await cluster.pod("p", "cat /etc/s/x", container=mounted(), restartPolicy="Never", **volume)
    text = 'MountVolume.SetUp failed for volume "s" : references non-existent secret key: data_4'
    await cluster.until_told("p", "FailedMount", text)
    await cluster.change_secret("db", data_4="late")
    await cluster.until_phase("p", "Succeeded")


async def test_a_variable_that_cannot_be_resolved(cluster: Cluster) -> None:
    variable = from_secret("K", "db", "nope")
    await cluster.pod("p", "echo $K", container={"env": [variable]}, restartPolicy="Never")
    reason = "CreateContainerConfigError"
    assert await cluster.until_waiting("p", reason) == 'secret "db" not found'
    await cluster.until_told("p", "Failed", 'Error: secret "db" not found')
    await cluster.secret("db", k="v")
    text = f"couldn't find key nope in Secret {cluster.namespace}/db"
    await cluster.until("p", lambda pod: waiting(pod) == (reason, text))
    await cluster.until_told("p", "Failed", f"Error: {text}")
    await cluster.change_secret("db", nope="now")
    await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == "now\n"


async def test_environment_in_the_kubelets_order(cluster: Cluster) -> None:
    await cluster.secret("s", a="sa", b="sb")
    await cluster.config_map("c", a="ca")
    container = {
        "envFrom": [
            {"secretRef": {"name": "s"}},
            {"configMapRef": {"name": "c"}},
            {"secretRef": {"name": "s"}, "prefix": "p-"},
            {"secretRef": {"name": "none", "optional": True}},
        ],
        "env": [
            {"name": "b", "value": "own"},
            {"name": "sum", "value": "$(a)+$(b)+$(p-b)+$(none)+$$(a)"},
            from_secret("gone", "s", "zzz", optional=True),
            {"name": "me", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "command": ["sh", "-c", "echo '$(sum)' $(me) ${gone-unset} $(p-a)"],
    }
    await cluster.pod("p", "", container=container, restartPolicy="Never")
    await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == "ca+own+sb+$(none)+$(a) p unset sa\n"


async def test_optional_volumes_follow_creation_change_and_deletion(cluster: Cluster) -> None:
    await cluster.pod("p", FOLLOW, container=mounted(), **secret_volume(optional=True))
    await cluster.until_logged("p", "<>")
    await cluster.secret("db", k="made")
    await cluster.until_logged("p", "<made>")
    await cluster.client.delete(SECRETS, "db", cluster.namespace)
    await cluster.until_logged("p", "<made>\n<>")


async def test_a_pod_outlives_its_secret_but_cannot_restart_without_it(cluster: Cluster) -> None:
    await cluster.secret("db", k="kept")
    await cluster.pod(
        "p", FOLLOW, container=mounted(env=[from_secret("K", "db", "k")]), **secret_volume()
    )
    await cluster.until_logged("p", "<kept>")
    await cluster.client.delete(SECRETS, "db", cluster.namespace)
    text = 'MountVolume.SetUp failed for volume "s" : secret "db" not found'
    await cluster.until_told("p", "FailedMount", text)
    pod = await cluster.until("p", lambda pod: condition(pod, VOLUMES_CONDITION)[0] == "False")
    assert pod.status.containerStatuses[0].state.running is not None
    before = len(await cluster.logs("p"))

    async def wrote_on() -> bool:
        return len(await cluster.logs("p")) > before

    await until(wrote_on)
    assert (await cluster.logs("p")).endswith("<kept>\n")


async def test_a_restart_needs_the_secret_again(cluster: Cluster) -> None:
    await cluster.secret("db", k="v")
    script = 'while [ -z "$(ls /etc/s/go 2>/dev/null)" ]; do sleep 0.02; done; exit 1'
    await cluster.config_map("switch")
    await cluster.pod(
        "p",
        script,
        container=mounted(env=[from_secret("K", "db", "k")]),
        volumes=[{"name": "s", "configMap": {"name": "switch"}}],
    )
    await cluster.until_phase("p", "Running")
    await cluster.client.delete(SECRETS, "db", cluster.namespace)
    await cluster.client.patch(CONFIG_MAPS, "switch", cluster.namespace, {"data": {"go": "1"}})
    reason = "CreateContainerConfigError"
    assert await cluster.until_waiting("p", reason) == 'secret "db" not found'


async def test_modes_owners_and_items(cluster: Cluster) -> None:
    await cluster.secret("db", a="1", b="2")
    volume = secret_volume(
        defaultMode=0o440,
        items=[{"key": "a", "path": "x/a"}, {"key": "b", "path": "b", "mode": 0o400}],
    )
    script = "id -u; id -G; cd /etc/s; stat -Lc '%a %g %n' x/a b; echo $(cat x/a); echo >new"
    await cluster.pod(
        "p",
        script,
        container=mounted(),
        restartPolicy="Never",
        securityContext={"runAsUser": 1000, "runAsGroup": 3000, "fsGroup": 1001},
        **volume,
    )
    pod = await cluster.until_phase("p", "Failed")
    written = (await cluster.logs("p")).splitlines()
    assert written[0] == "1000"
    assert set(written[1].split()) == {"3000", "1001"}
    assert written[2:4] == ["440 1001 x/a", "440 1001 b"]
    assert written[4] == "1"
    assert "Read-only file system" in written[5]
    assert exit_code(pod) != 0


async def test_a_projected_volume_with_everything_and_a_sub_path(cluster: Cluster) -> None:
    await cluster.secret("s", k="secret")
    await cluster.config_map("c", k="config")
    sources = [
        {"secret": {"name": "s"}},
        {"configMap": {"name": "c", "items": [{"key": "k", "path": "c"}]}},
        {
            "downwardAPI": {
                "items": [
                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    {
                        "path": "cpu",
                        "resourceFieldRef": {
                            "containerName": "main",
                            "resource": "limits.cpu",
                            "divisor": "1m",
                        },
                    },
                ]
            }
        },
    ]
    container = {
        "resources": {"limits": {"cpu": "250m"}},
        "volumeMounts": [
            {"name": "s", "mountPath": "/etc/s"},
            {"name": "s", "mountPath": "/etc/one", "subPath": "k"},
            {"name": "e", "mountPath": "/scratch", "subPathExpr": "$(NAME)"},
            {"name": "e", "mountPath": "/all"},
        ],
        "env": [{"name": "NAME", "value": "mine"}],
    }
    await cluster.pod(
        "p",
        "cd /etc/s; cat k c labels cpu /etc/one; touch /scratch/f; ls /all/mine",
        container=container,
        metadata={"labels": {"a": "b"}},
        restartPolicy="Never",
        volumes=[
            {"name": "s", "projected": {"sources": sources}},
            {"name": "e", "emptyDir": {"medium": "Memory"}},
        ],
    )
    await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == 'secretconfiga="b"250secretf\n'


async def test_init_containers_run_first_and_in_order(cluster: Cluster) -> None:
    def step(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "image": "none",
            "command": ["sh", "-c", f"echo {name} >>/w/log"],
            "volumeMounts": [{"name": "w", "mountPath": "/w"}],
        }

    await cluster.pod(
        "p",
        "cat /w/log",
        container={"volumeMounts": [{"name": "w", "mountPath": "/w"}]},
        initContainers=[step("one"), step("two")],
        restartPolicy="Never",
        volumes=[{"name": "w", "emptyDir": {}}],
    )
    pod = await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p") == "one\ntwo\n"
    assert [s.ready for s in pod.status.initContainerStatuses] == [True, True]
    assert condition(pod, "Ready")[:2] == ("False", "PodCompleted")


async def test_a_failed_init_container_fails_the_pod(cluster: Cluster) -> None:
    bad = {"name": "bad", "image": "none", "command": ["sh", "-c", "exit 7"]}
    await cluster.pod("p", "echo never", initContainers=[bad], restartPolicy="Never")
    pod = await cluster.until_phase("p", "Failed")
    terminated = pod.status.initContainerStatuses[0].state.terminated
    assert terminated is not None
    assert (terminated.exitCode, terminated.reason) == (7, "Error")
    assert waiting(pod)[0] == "PodInitializing"
    assert condition(pod, "Initialized") == (
        "False",
        "ContainersNotInitialized",
        "containers with incomplete status: [bad]",
    )


async def test_a_container_that_keeps_failing_backs_off(cluster: Cluster) -> None:
    await cluster.pod("p", "echo oops; exit 3")
    message = await cluster.until_waiting("p", "CrashLoopBackOff")
    pod = await cluster.client.get(PODS, "p", cluster.namespace)
    title = f"p_{cluster.namespace}({pod.metadata.uid})"
    assert message == f"back-off 10s restarting failed container=main pod={title}"
    status = pod.status.containerStatuses[0]
    assert status.restartCount == 1
    assert status.lastState.terminated is not None
    assert status.lastState.terminated.exitCode == 3
    assert pod.status.phase == "Running"
    text = f"Back-off restarting failed container main in pod {title}"
    await cluster.until_told("p", "BackOff", text)
    assert await cluster.logs("p", previous="true") == "oops\n"


async def test_no_command_is_said_clearly(cluster: Cluster) -> None:
    await cluster.pod("p", "", container={"command": []})
    message = await cluster.until_waiting("p", "CreateContainerError")
    assert "the process runtime needs a command" in message


async def test_deletion_gives_grace(cluster: Cluster) -> None:
    await cluster.secret("db", k="v")
    script = "trap 'echo bye; cat /etc/s/k; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    await cluster.pod(
        "p", script, container=mounted(), terminationGracePeriodSeconds=30, **secret_volume()
    )
    await cluster.until_logged("p", "up")
    await cluster.client.delete(PODS, "p", cluster.namespace)
    await cluster.until_gone("p")
    assert ("Killing", "Stopping container main") in await cluster.events("p")


async def test_deletion_kills_who_does_not_listen(cluster: Cluster) -> None:
    await cluster.pod("p", "trap '' TERM; echo up; while :; do sleep 0.02; done")
    await cluster.until_logged("p", "up")
    await cluster.client.delete(PODS, "p", cluster.namespace)
    await cluster.until_gone("p")


async def test_a_deadline_fails_the_pod(cluster: Cluster) -> None:
    await cluster.pod("p", "while :; do sleep 0.02; done", activeDeadlineSeconds=1)
    pod = await cluster.until_phase("p", "Failed")
    assert pod.status.reason == "DeadlineExceeded"
    assert pod.status.message == "Pod was active on the node longer than the specified deadline"


async def test_probes_decide_readiness_and_restarts(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["cat", "/w/ok"]}, "periodSeconds": 1, "failureThreshold": 1}
    container = {
        "readinessProbe": probe,
        "livenessProbe": {**probe, "exec": {"command": ["cat", "/w/alive"]}},
        "volumeMounts": [{"name": "w", "mountPath": "/w"}],
    }
    script = (
        "touch /w/alive; [ -e /w/ok ] && sleep 1000; touch /w/ok; sleep 3; rm /w/alive; sleep 99"
    )
    await cluster.pod("p", script, container=container, volumes=[{"name": "w", "emptyDir": {}}])
    await cluster.until("p", lambda pod: condition(pod, "Ready")[0] == "True")
    pod = await cluster.until("p", lambda pod: pod.status.containerStatuses[0].restartCount == 1)
    assert pod.status.phase == "Running"
    text = "Container main failed liveness probe, will be restarted"
    await cluster.until_told("p", "Killing", text)


async def test_logs_of_what_is_not_there(cluster: Cluster) -> None:
    await cluster.pod("p", "sleep 1000", container={"env": [from_secret("K", "db", "k")]})
    await cluster.until_waiting("p", "CreateContainerConfigError")
    with pytest.raises(StatusError) as caught:
        await cluster.logs("p")
    assert caught.value.code == 400
    text = 'container "main" in pod "p" is waiting to start: CreateContainerConfigError'
    assert caught.value.message == text


async def test_logs_can_be_cut(cluster: Cluster) -> None:
    await cluster.pod("p", "echo one; echo two; echo three", restartPolicy="Never")
    await cluster.until_phase("p", "Succeeded")
    assert await cluster.logs("p", tailLines="2") == "two\nthree\n"
    assert await cluster.logs("p", limitBytes="3") == "one"
    assert await cluster.logs("p", follow="true") == "one\ntwo\nthree\n"


async def test_labels_reach_downward_files(cluster: Cluster) -> None:
    items = [{"path": "k", "fieldRef": {"fieldPath": "metadata.labels['x']"}}]
    await cluster.pod(
        "p",
        FOLLOW,
        container=mounted(),
        metadata={"labels": {"x": "one"}},
        volumes=[{"name": "s", "downwardAPI": {"items": items}}],
    )
    await cluster.until_logged("p", "<one>")
    body = {"metadata": {"labels": {"x": "two"}}}
    await cluster.client.patch(PODS, "p", cluster.namespace, body, kind=Patch.STRATEGIC)
    await cluster.until_logged("p", "<two>")
