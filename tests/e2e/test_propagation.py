"""How a Secret reaches the pods that use it, and what happens when it changes or goes."""

from __future__ import annotations

import json

from strongroom.testing.process import Strongroom
from tests.e2e.conftest import in_namespace
from tests.e2e.kubectl import Kubectl
from tests.e2e.manifests import MOUNT, mounted, pod, secret
from tests.waiting import eventually

# Tells each published state of /etc/s, woken by inotify at each rename of `..data`. A state is the
# directory behind `..data`: the names beside it are linked only after the rename, and the directory
# is removed after the next one, whereupon we read that.
WATCHER = """
import ctypes, os
libc = ctypes.CDLL(None)
fd = libc.inotify_init()
libc.inotify_add_watch(fd, b"/etc/s", 0x80)
def state():
    while True:
        try:
            home = os.path.realpath("/etc/s/..data")
            return " ".join(f"{n}={open(home + '/' + n).read()}" for n in sorted(os.listdir(home)))
        except FileNotFoundError:
            pass
def tell():
    print(state(), flush=True)
tell()
while True:
    os.read(fd, 4096)
    tell()
"""


def watching_pod(name: str, secret_name: str, **source: object) -> str:
    """A pod that tells each state of its volume."""
    return pod(
        name,
        "",
        spec=mounted(secret_name, **source),
        volumeMounts=MOUNT,
        command=["python3", "-c", WATCHER],
    )  # fmt: skip - the container's fields in a row


def lines(kubectl: Kubectl, name: str) -> list[str]:
    """What the pod has told so far."""
    return kubectl.run("logs", name).out.splitlines()


def told(kubectl: Kubectl, name: str, line: str) -> None:
    """Wait until the last thing that the pod told is this line."""
    eventually(lambda: lines(kubectl, name)[-1:] == [line], pause=0.1)


def waiting_reason(kubectl: Kubectl, name: str) -> str:
    """Why the pod's container waits."""
    statuses = kubectl.object("pod", name)["status"].get("containerStatuses", [{}])
    return str(statuses[0].get("state", {}).get("waiting", {}).get("reason", ""))


def event_message(kubectl: Kubectl, name: str, reason: str) -> str:
    """The message of an event about the pod, once it is there."""
    selector = f"--field-selector=involvedObject.name={name},reason={reason}"
    return eventually(
        lambda: kubectl("get", "events", selector, "-o", "jsonpath={.items[*].message}")
    )


def test_changes_reach_the_file_whole_and_in_order(pods: Kubectl) -> None:
    pods.apply(secret("s", a="0", b="0"))
    pods.apply(watching_pod("p", "s"))
    told(pods, "p", "a=0 b=0")
    for n in range(1, 6):
        pods("patch", "secret", "s", "-p", json.dumps({"stringData": {"a": str(n), "b": str(n)}}))
        told(pods, "p", f"a={n} b={n}")
    seen = lines(pods, "p")
    # Both files always tell of the same write: a state is published whole or not at all.
    assert seen == [f"a={n} b={n}" for n in range(6)]


def test_keys_come_and_go(pods: Kubectl) -> None:
    pods.apply(secret("s", a="1"))
    pods.apply(watching_pod("p", "s"))
    told(pods, "p", "a=1")
    pods("patch", "secret", "s", "-p", '{"stringData":{"b":"2"}}')
    told(pods, "p", "a=1 b=2")
    pods("patch", "secret", "s", "-p", '{"data":{"a":null}}')
    told(pods, "p", "b=2")


def test_a_pod_runs_on_without_its_secret_and_cannot_start_again(pods: Kubectl) -> None:
    pods.apply(secret("s", a="1"))
    pods.apply(secret("signal", word="stay"))
    script = "echo run $A; while grep -q stay /etc/s/word; do sleep 0.05; done"
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}]
    spec = {"restartPolicy": "Always", **mounted("signal")}
    pods.apply(pod("p", script, spec=spec, volumeMounts=MOUNT, env=env))
    pods("wait", "pod/p", "--for=condition=Ready", "--timeout=60s")
    pods("delete", "secret", "s")
    assert pods("get", "pod", "p", "--no-headers").split()[1:3] == ["1/1", "Running"]
    pods.apply(secret("signal", word="go"))
    eventually(lambda: waiting_reason(pods, "p") == "CreateContainerConfigError")
    assert 'Error: secret "s" not found' in event_message(pods, "p", "Failed")
    assert pods("logs", "p", "--previous") == "run 1\n"


def test_a_missing_secret_holds_the_pod_until_it_comes(pods: Kubectl) -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "late", "key": "a"}}}]
    pods.apply(pod("p", "echo $A", env=env))
    eventually(lambda: waiting_reason(pods, "p") == "CreateContainerConfigError")
    assert 'Error: secret "late" not found' in event_message(pods, "p", "Failed")
    pods.apply(secret("late", b="wrong key"))
    wanted = f"Error: couldn't find key a in Secret {pods.namespace}/late"
    eventually(lambda: wanted in event_message(pods, "p", "Failed"))
    pods.apply(secret("late", a="here"))
    eventually(lambda: lines(pods, "p") == ["here"])


def test_a_missing_volume_holds_the_pod_until_it_comes(pods: Kubectl) -> None:
    pods.apply(watching_pod("p", "late"))
    event_message(pods, "p", "FailedMount")
    assert pods("get", "pod", "p", "--no-headers").split()[2] == "ContainerCreating"
    pods.apply(secret("late", a="1"))
    told(pods, "p", "a=1")


def test_a_missing_key_is_named(pods: Kubectl) -> None:
    pods.apply(secret("s", a="1"))
    pods.apply(watching_pod("p", "s", items=[{"key": "nope", "path": "x"}]))
    said = event_message(pods, "p", "FailedMount")
    assert "references non-existent secret key: nope" in said


def test_optional_comes_changes_and_goes(pods: Kubectl) -> None:
    pods.apply(watching_pod("p", "maybe", optional=True))
    told(pods, "p", "")
    pods.apply(secret("maybe", a="1"))
    told(pods, "p", "a=1")
    pods("delete", "secret", "maybe")
    told(pods, "p", "")


def test_an_immutable_secret_that_is_made_anew_is_followed(pods: Kubectl) -> None:
    pods.apply(secret("s", immutable=True, a="1"))
    pods.apply(watching_pod("p", "s"))
    told(pods, "p", "a=1")
    # Deleted and made anew, which is the way to change it: nobody is left with the old one.
    pods("delete", "secret", "s")
    pods.apply(secret("s", immutable=True, a="2"))
    pods.apply(watching_pod("q", "s"))
    told(pods, "q", "a=2")
    told(pods, "p", "a=2")
    assert (lines(pods, "p"), lines(pods, "q")) == (["a=1", "a=2"], ["a=2"])
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}]
    pods.apply(pod("r", 'echo "a=$A"', env=env))
    assert eventually(lambda: lines(pods, "r")) == ["a=2"]


def test_the_same_name_elsewhere_is_not_seen(pods: Kubectl, room: Strongroom) -> None:
    elsewhere = in_namespace(room, pods.directory)
    elsewhere.apply(secret("s", other="never"))
    pods.apply(secret("s", a="1"))
    pods.apply(watching_pod("p", "s"))
    told(pods, "p", "a=1")
    elsewhere.apply(secret("s", other="changed"))
    pods("patch", "secret", "s", "-p", '{"stringData":{"a":"2"}}')
    told(pods, "p", "a=2")
    assert lines(pods, "p") == ["a=1", "a=2"]


def test_a_deleted_pod_leaves_no_volume_on_the_host(pods: Kubectl, room: Strongroom) -> None:
    pods.apply(secret("s", a="found-on-the-host"))
    pods.apply(watching_pod("p", "s"))
    told(pods, "p", "a=found-on-the-host")
    node = room.kubeconfig.parent / "node"
    # The volume is a tmpfs in the node's own mount namespace: the host sees an empty directory.
    files = [path for path in node.rglob("*") if path.is_file() and path.name == "a"]
    assert files == []
    uid = pods.object("pod", "p")["metadata"]["uid"]
    pods("delete", "pod", "p")
    eventually(lambda: not list(node.rglob(uid)))
