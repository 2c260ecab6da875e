"""Pods with the real kubectl: logs, events, waiting, deletion."""

from __future__ import annotations

import re
import time

import pytest

from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import pod
from tests.waiting import eventually

FOREVER = "echo started; trap 'exit 0' TERM; while :; do sleep 0.1; done"


def run(kubectl: Kubectl, manifest: str, condition: str) -> None:
    """Apply a pod and wait for a condition of it."""
    name = kubectl.apply(manifest).split()[0]
    kubectl("wait", name, f"--for={condition}", "--timeout=60s")


DONE = "jsonpath={.status.phase}=Succeeded"
READY = "condition=Ready"


def test_get_pods(pods: Kubectl) -> None:
    run(pods, pod("p", "echo hello"), DONE)
    head, row = (line.split() for line in pods("get", "pods").splitlines())
    assert head == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row[:4] == ["p", "0/1", "Completed", "0"]


def test_get_pods_wide_names_the_node(pods: Kubectl) -> None:
    run(pods, pod("p", FOREVER), READY)
    head, row = (line.split() for line in pods("get", "pods", "-o", "wide").splitlines())
    assert head[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert row[:4] == ["p", "1/1", "Running", "0"]
    assert row[6] == pods("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")


def test_the_node_is_ready_and_renews_its_lease(pods: Kubectl) -> None:
    head, row = (line.split() for line in pods("get", "nodes").splitlines())
    assert head == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert row[1] == "Ready"
    lease = pods.object("lease", row[0], "-n", "kube-node-lease")
    assert lease["spec"]["holderIdentity"] == row[0]


def test_logs_and_their_options(pods: Kubectl) -> None:
    run(pods, pod("p", "for n in 1 2 3; do echo line $n; done; printf end"), DONE)
    assert pods("logs", "p") == "line 1\nline 2\nline 3\nend"
    assert pods("logs", "p", "--tail=2") == "line 3\nend"
    assert pods("logs", "pod/p", "-c", "main", "--limit-bytes=6") == "line 1"
    stamped = pods("logs", "p", "--timestamps", "--tail=1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z end\n?", stamped)
    assert "container nope is not valid for pod p" in pods.fails("logs", "p", "-c", "nope")
    assert "not found" in pods.fails("logs", "nope")


def test_logs_are_followed_to_the_end(pods: Kubectl) -> None:
    run(
        pods,
        pod("p", "sleep 1; echo first; sleep 1; echo last"),
        "jsonpath={.status.phase}=Running",
    )
    with pods.start("logs", "-f", "p") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "first\n"
        assert following.stdout.read() == "last\n"
    assert following.returncode == 0


def test_logs_of_one_container_among_two(pods: Kubectl) -> None:
    two = [
        {"name": name, "image": "busybox", "command": ["sh", "-c", f"echo from {name}"]}
        for name in ("a", "b")
    ]
    run(pods, pod("p", "", spec={"containers": two}), DONE)
    assert pods("logs", "p", "-c", "b") == "from b\n"
    # kubectl asks for one after the other, in no certain order.
    assert set(pods("logs", "p", "--all-containers", "--prefix").splitlines()) == {
        "[pod/p/a] from a",
        "[pod/p/b] from b",
    }


def test_logs_of_the_attempt_before(pods: Kubectl) -> None:
    script = "if [ -e /data/x ]; then echo second; sleep 100; fi; touch /data/x; echo first; exit 3"
    spec = {"restartPolicy": "OnFailure", "volumes": [{"name": "d", "emptyDir": {}}]}
    mounts = [{"name": "d", "mountPath": "/data"}]
    pods.apply(pod("p", script, spec=spec, volumeMounts=mounts))
    eventually(lambda: pods.run("logs", "p").out == "second\n", seconds=60)
    assert pods("logs", "p", "--previous") == "first\n"
    state = pods.object("pod", "p")["status"]["containerStatuses"][0]
    assert state["restartCount"] == 1
    assert state["lastState"]["terminated"]["exitCode"] == 3
    assert state["lastState"]["terminated"]["reason"] == "Error"


def test_events_tell_the_way_of_a_pod(pods: Kubectl) -> None:
    run(pods, pod("p", "echo"), DONE)
    wanted = ["Scheduled", "Pulled", "Created", "Started"]

    def reasons() -> list[str]:
        lines = pods("get", "events", "--no-headers").splitlines()
        return [line.split()[2] for line in lines]

    eventually(lambda: set(wanted) <= set(reasons()))
    told = pods("describe", "pod", "p")
    assert all(reason in told for reason in wanted)
    assert pods("events", "--for", "pod/p", "--no-headers")


def test_wait_for_a_condition_that_never_comes(pods: Kubectl) -> None:
    run(pods, pod("p", FOREVER), READY)
    said = pods.fails("wait", "pod/p", "--for=condition=Nothing", "--timeout=1s")
    assert said == "error: timed out waiting for the condition on pods/p\n"


def test_a_failed_pod_tells_its_exit_code(pods: Kubectl) -> None:
    run(pods, pod("p", "exit 7"), "jsonpath={.status.phase}=Failed")
    state = pods.object("pod", "p")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (7, "Error")
    assert pods("get", "pods", "--no-headers").split()[2] == "Error"


def test_deletion_gives_the_pod_its_grace(pods: Kubectl) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    run(pods, pod("p", script, spec={"terminationGracePeriodSeconds": 30}), READY)
    eventually(lambda: pods("logs", "p") == "up\n")
    with pods.start("logs", "-f", "p") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "up\n"
        began = time.monotonic()
        assert pods("delete", "pod", "p") == f'pod "p" deleted from {pods.namespace} namespace\n'
        assert time.monotonic() - began < 30, "the pod ended by itself, long before the kill"
        assert following.stdout.read() == "bye\n"
    assert "NotFound" in pods.fails("get", "pod", "p")


def test_deletion_kills_what_does_not_heed(pods: Kubectl) -> None:
    run(pods, pod("p", "trap '' TERM; echo up; while :; do sleep 0.1; done"), READY)
    pods("delete", "pod", "p", "--grace-period=1")
    assert "NotFound" in pods.fails("get", "pod", "p")


def test_deletion_by_force_is_at_once(pods: Kubectl) -> None:
    run(pods, pod("p", FOREVER), READY)
    done = pods.run("delete", "pod", "p", "--grace-period=0", "--force")
    assert done.code == 0
    assert "force deleted" in done.out


def test_deleting_a_namespace_takes_its_pods_and_secrets(room: Strongroom, pods: Kubectl) -> None:
    pods("create", "namespace", "doomed-" + pods.namespace)
    doomed = Kubectl(pods.kubeconfig, "doomed-" + pods.namespace, pods.directory)
    doomed("create", "secret", "generic", "s")
    run(doomed, pod("p", FOREVER), READY)
    pods("delete", "namespace", doomed.namespace, "--timeout=60s")
    assert "NotFound" in doomed.fails("get", "namespace", doomed.namespace)
    assert doomed("get", "pods,secrets", "-o", "name") == ""


@pytest.mark.parametrize("field", ["spec.nodeName", "status.phase"])
def test_pods_by_field(pods: Kubectl, field: str) -> None:
    run(pods, pod("p", "echo"), DONE)
    value = {"spec.nodeName": "", "status.phase": "Running"}[field]
    chosen = ("get", "pods", "-o", "name", "--field-selector")
    assert pods(*chosen, f"{field}={value}") == ""
    assert pods(*chosen, f"{field}!={value}") == "pod/p\n"
