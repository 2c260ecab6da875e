"""What outlives what: pods and the API server, pods and the agent; and values, nowhere."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.resources.event import EVENTS
from strongroom.resources.lease import LEASES
from strongroom.resources.node import NODES
from strongroom.resources.pod import PODS
from strongroom.resources.secret import SECRETS
from strongroom.testing.process import Strongroom
from tests.node.cluster import NODE, Cluster
from tests.node.conftest import fresh, start_node
from tests.node.test_agent import FOLLOW, from_secret, mounted, secret_volume

CANARY = "canary-5f1c0e"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Strongroom]:
    """A server of the test's own, which it may stop."""
    with Strongroom.start(tmp_path / "room", "apiserver") as started:
        yield started


async def test_the_node_says_who_it_is(room: Strongroom, tmp_path: Path) -> None:
    node = start_node(room, tmp_path)
    async with Client(load_config(room.kubeconfig)) as client:
        found = await client.get(NODES, NODE)
        lease = await client.get(LEASES, NODE, "kube-node-lease")
    assert node.stop() == 0
    assert found.metadata.labels["kubernetes.io/hostname"] == NODE
    assert {c.type: c.status for c in found.status.conditions}["Ready"] == "True"
    assert found.status.daemonEndpoints is not None
    assert found.status.capacity["pods"] == "110"
    assert lease.spec.holderIdentity == NODE
    assert lease.spec.leaseDurationSeconds == 40
    assert [owner.uid for owner in lease.metadata.ownerReferences] == [found.metadata.uid]


async def test_pods_go_on_while_the_server_is_away(room: Strongroom, tmp_path: Path) -> None:
    node = start_node(room, tmp_path)
    async with Client(load_config(room.kubeconfig)) as client:
        cluster = await fresh(client)
        await cluster.secret("db", k="one")
        await cluster.pod("p", FOLLOW, container=mounted(), **secret_volume())
        await cluster.until_logged("p", "<one>")
    room.kill()
    with Strongroom.start(tmp_path / "room", "apiserver", port=room.port) as again:
        async with Client(load_config(again.kubeconfig)) as client:
            cluster = Cluster(client, cluster.namespace)
            await cluster.change_secret("db", k="two")
            await cluster.until_logged("p", "<two>")
            pod = await cluster.until_phase("p", "Running")
        assert pod.status.containerStatuses[0].restartCount == 0
        assert node.stop() == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restarted_agent_takes_its_pods_on_again(
    room: Strongroom, tmp_path: Path, signum: int
) -> None:
    node = start_node(room, tmp_path)
    async with Client(load_config(room.kubeconfig)) as client:
        cluster = await fresh(client)
        await cluster.secret("db", k="one")
        await cluster.pod("p", FOLLOW, container=mounted(), **secret_volume())
        await cluster.pod("once", "sleep 1000", restartPolicy="Never")
        await cluster.pod("done", "true", restartPolicy="OnFailure")
        await cluster.until_logged("p", "<one>")
        await cluster.until_phase("once", "Running")
        await cluster.until_phase("done", "Succeeded")
        node.stop(signum)
        await cluster.change_secret("db", k="two")
        node = start_node(room, tmp_path)
        await cluster.until("p", lambda pod: pod.status.containerStatuses[0].restartCount == 1)
        written = await cluster.until_logged("p", "<two>")
        assert "<one>" not in written
        lost = await cluster.until_phase("once", "Failed")
        terminated = lost.status.containerStatuses[0].state.terminated
        assert terminated is not None
        assert (terminated.exitCode, terminated.reason) == (137, "ContainerStatusUnknown")
        done = await client.get(PODS, "done", cluster.namespace)
        assert done.status.containerStatuses[0].restartCount == 0
    assert node.stop() == 0


async def test_a_value_is_in_no_log_no_event_no_status_and_on_no_disk(
    room: Strongroom, tmp_path: Path
) -> None:
    node = start_node(room, tmp_path)
    async with Client(load_config(room.kubeconfig)) as client:
        cluster = await fresh(client)
        await cluster.secret("db", k=CANARY)
        variable = from_secret("K", "db", "k")
        await cluster.pod("good", FOLLOW, container=mounted(env=[variable]), **secret_volume())
        await cluster.until_logged("good", CANARY)
        # Each of these fails in another way while holding the value.
        await cluster.secret("nul", k=f"{CANARY}\0")
        await cluster.pod("nul", "true", container={"env": [from_secret("K", "nul", "k")]})
        await cluster.pod("arg", "", container={"command": ["$(K)/none"], "env": [variable]})
        await cluster.pod(
            "keys",
            "true",
            container={
                "envFrom": [{"secretRef": {"name": "db"}}],
                "volumeMounts": [{"name": "s", "mountPath": "/etc/s", "subPath": "k/none"}],
            },
            **secret_volume(),
        )
        for name in ("nul", "arg", "keys"):
            await cluster.until(
                name,
                lambda pod: any(
                    s.state.waiting or s.lastState.terminated for s in pod.status.containerStatuses
                ),
            )
        await cluster.change_secret("db", k=f"{CANARY}-2")
        await cluster.until_logged("good", f"{CANARY}-2")
        pods = (await client.request("GET", "/api/v1/pods")).body.decode()
        events = (await client.list(EVENTS, cluster.namespace)).items
        await client.delete(SECRETS, "db", cluster.namespace)
    on_disk = holding(tmp_path, CANARY)
    assert node.stop() == 0
    assert on_disk == []
    assert CANARY not in pods
    assert all(CANARY not in event.message for event in events)
    assert events
    assert CANARY not in node.log.read_text()


def holding(directory: Path, text: str) -> list[Path]:
    """The files below ``directory`` that hold ``text``."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return [path for path in files if text.encode() in path.read_bytes()]
