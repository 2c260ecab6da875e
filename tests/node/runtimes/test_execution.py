"""Commands inside a running container, as probes and hooks run them."""

# Each body has a process and an event loop of its own, so blocking calls hold nothing up:
# ruff: noqa: ASYNC222

import os

import pytest

from strongroom.node.runtimes.port import ContainerStartError, ExecTimeout, Mount
from tests.node.runtimes.inside import Node, inside


@inside
async def test_a_command_sees_what_its_container_sees(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    (volume / "password").write_text("hunter2")
    handle = await node.start(
        "sleep", "1000", env={"GREETING": "hello"}, mounts=(Mount(volume, "/creds"),), cwd="/srv"
    )
    script = "cat /creds/password; echo; echo $GREETING >&2; pwd; cat /proc/1/comm | wc -l; exit 4"
    result = await node.runtime.run_in(handle.id, ("sh", "-c", script), timeout=60)
    assert result.code == 4
    assert result.output == b"hunter2\nhello\n/srv\n1\n"
    assert "hunter2" not in repr(result)


@inside
async def test_a_command_shares_the_containers_processes_and_files(node: Node) -> None:
    handle = await node.start("sh", "-c", "echo x > /written; sleep 1000")
    script = "until cat /written; do sleep 0.02; done; kill -9 2"
    await node.runtime.run_in(handle.id, ("sh", "-c", script), timeout=60)
    assert (await node.runtime.wait(handle.id)).signal == 9


@inside
async def test_a_command_past_its_time_is_killed_with_its_children(node: Node) -> None:
    handle = await node.start("sleep", "1000")
    with pytest.raises(ExecTimeout, match=r"timed out after 0\.2s"):
        await node.runtime.run_in(handle.id, ("sh", "-c", "sleep 500 & sleep 600"), timeout=0.2)
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    result = await node.runtime.run_in(handle.id, ("sh", "-c", script), timeout=60)
    assert b"sleep 1000" in result.output
    assert b"sleep 500" not in result.output.replace(script.encode(), b"")
    assert node.runtime.status(handle.id).running


@inside
async def test_its_output_is_bounded(node: Node) -> None:
    handle = await node.start("sleep", "1000")
    result = await node.runtime.run_in(
        handle.id, ("head", "-c", "1000000", "/dev/zero"), timeout=60
    )
    assert (result.code, len(result.output)) == (0, 16 * 1024)


@inside
async def test_a_command_that_cannot_start(node: Node) -> None:
    handle = await node.start("sleep", "1000")
    with pytest.raises(ContainerStartError, match='exec: "nope": executable file not found'):
        await node.runtime.run_in(handle.id, ("nope",), timeout=60)
    await node.runtime.stop_container(handle.id, grace=0)
    with pytest.raises(ContainerStartError, match="the container has ended"):
        await node.runtime.run_in(handle.id, ("true",), timeout=60)


@inside
async def test_it_leaves_no_process_and_no_descriptor(node: Node) -> None:
    handle = await node.start("sleep", "1000")
    await node.runtime.run_in(handle.id, ("true",), timeout=60)
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are what's compared
    for argv in (("true",), ("nope",)):
        try:
            await node.runtime.run_in(handle.id, argv, timeout=60)
        except ContainerStartError:
            assert argv == ("nope",)
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
    children = os.waitpid(-1, os.WNOHANG)
    assert children == (0, 0)  # only the container's launcher, which lives
