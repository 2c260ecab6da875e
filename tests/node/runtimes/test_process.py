"""Containers as processes: what they see, what they get, how they end."""

# Each body has a process and an event loop of its own, so blocking calls hold nothing up:
# ruff: noqa: ASYNC110, ASYNC222, ASYNC240

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.node.runtimes.home import VolumeHome
from strongroom.node.runtimes.port import (
    ContainerStartError,
    LogOptions,
    Mount,
    Runtime,
    UnknownContainer,
)
from strongroom.node.runtimes.process import ProcessRuntime
from tests.node.runtimes.inside import Node, inside, spec_of


@inside
async def test_the_environment_is_exactly_the_given_one(node: Node) -> None:
    os.environ["AGENTS_OWN"] = "leak"
    handle = await node.start("env", env={"GREETING": "hällo\nworld", "EMPTY": ""})
    await node.runtime.wait(handle.id)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    expected = [f"PATH={path}", "HOSTNAME=web", "GREETING=hällo", "world", "EMPTY="]
    assert (await node.output(handle)).splitlines() == expected


@inside
async def test_the_pods_own_path_and_hostname_win(node: Node) -> None:
    handle = await node.start(
        "/usr/bin/env", env={"PATH": "/bin", "HOSTNAME": "mine"}, hostname="web-0"
    )
    await node.runtime.wait(handle.id)
    assert (await node.output(handle)).splitlines() == ["PATH=/bin", "HOSTNAME=mine"]
    assert (await node.run("hostname", hostname="web-0"))[1] == "web-0\n"


@inside
async def test_a_large_environment_arrives_whole(node: Node) -> None:
    env = {f"VALUE_{number}": "x" * 100_000 for number in range(10)}
    _, printed = await node.run('echo "${#VALUE_0} ${#VALUE_9}"', env=env)
    assert printed == "100000 100000\n"


@inside
async def test_exit_codes_and_signals_are_reported_as_they_are(node: Node) -> None:
    for script, code, number in (
        ("exit 0", 0, 0),
        ("exit 3", 3, 0),
        ("kill -KILL $$", 137, signal.SIGKILL),
        ("kill -TERM $$", 143, signal.SIGTERM),
        ("kill -PIPE $$", 141, signal.SIGPIPE),
    ):
        ended, _ = await node.run(script)
        assert (ended.code, ended.signal) == (code, number), script
        assert ended.started_at <= ended.finished_at


@inside
async def test_stopping_asks_first(node: Node) -> None:
    script = 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
    handle = await node.start("sh", "-c", script)
    await _first_line(node, handle.id)
    ended = await node.runtime.stop_container(handle.id, grace=60)
    assert (ended.code, ended.signal) == (5, 0)
    assert await node.output(handle) == "ready\nbye\n"
    assert await node.runtime.stop_container(handle.id, grace=60) == ended


@inside
async def test_stopping_kills_what_will_not_go(node: Node) -> None:
    handle = await node.start("sh", "-c", 'trap "" TERM; echo ready; sleep 1000 & wait; sleep 1000')
    await _first_line(node, handle.id)
    assert node.runtime.status(handle.id).running
    ended = await node.runtime.stop_container(handle.id, grace=0.2)
    assert (ended.code, ended.signal) == (137, signal.SIGKILL)
    assert node.runtime.status(handle.id).exit == ended


@inside
async def test_another_stop_signal_is_honoured(node: Node) -> None:
    handle = await node.start(
        "sh", "-c", 'trap "exit 6" USR1; echo ready; while :; do sleep 0.05; done',
        stop_signal=signal.SIGUSR1,
    )  # fmt: skip
    await _first_line(node, handle.id)
    assert (await node.runtime.stop_container(handle.id, grace=60)).code == 6


@inside
async def test_what_the_command_leaves_behind_ends_with_it(node: Node) -> None:
    marker = f"1234.{os.getpid()}"
    ended, _ = await node.run(f"sleep {marker} & setsid sleep {marker} & exit 0")
    assert ended.code == 0
    assert _processes(marker) == []


@inside
async def test_close_ends_every_container_and_leaves_no_process(node: Node) -> None:
    marker = f"4321.{os.getpid()}"
    handles = [await node.start("sleep", marker) for _ in range(3)]
    assert len(_processes(marker)) == 3
    await node.runtime.close()
    assert _processes(marker) == []
    assert [node.runtime.status(handle.id).running for handle in handles] == [False] * 3
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    with pytest.raises(ContainerStartError):
        await node.start("true")


@inside
async def test_a_container_costs_no_descriptor_once_it_is_gone(node: Node) -> None:
    await node.run("true")
    before = _descriptors()
    await node.run("true")
    with pytest.raises(ContainerStartError):
        await node.start("no-such-command")
    assert _descriptors() == before


@inside
async def test_a_command_that_cannot_start_says_why(node: Node) -> None:
    for command, message in (
        ("nope", 'exec: "nope": executable file not found in $PATH'),
        ("/no/pe", 'exec: "/no/pe": no such file or directory'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
        # The command holds a value of the environment, as `$(PASSWORD)` in it would.
        ("run-hunter2", 'exec: "...": executable file not found in $PATH'),
    ):
        with pytest.raises(ContainerStartError) as caught:
            await node.start(command, env={"PASSWORD": "hunter2"})
        assert (caught.value.reason, caught.value.message) == ("RunContainerError", message)
    with pytest.raises(ContainerStartError, match="NUL"):
        await node.start("echo", "a\0b")
    with pytest.raises(ContainerStartError, match="no command specified"):
        await node.start()
    with pytest.raises(ContainerStartError, match="chdir to cwd failed: Not a directory"):
        await node.start("true", cwd="/etc/passwd")


@inside
async def test_a_mount_that_cannot_be_made_says_why(node: Node) -> None:
    for mount, message in (
        (Mount(node.directory / "gone", "/x"), "volume for /x: No such file or directory"),
        (Mount(Path("/etc"), "/etc/passwd"), "mount at /etc/passwd: Not a directory"),
    ):
        with pytest.raises(ContainerStartError) as caught:
            await node.start("true", mounts=(mount,))
        assert (caught.value.reason, caught.value.message) == ("CreateContainerError", message)


@inside
async def test_the_working_directory_is_made_when_missing(node: Node) -> None:
    _, printed = await node.run("pwd", cwd="/srv/app/data")
    assert printed == "/srv/app/data\n"
    assert not Path("/srv/app/data").exists()


@inside
async def test_the_command_runs_as_the_asked_user(node: Node) -> None:
    if node.home.rootless:
        with pytest.raises(ContainerStartError, match="can't run as user 1000, group 2000"):
            await node.start("id", user=1000, group=2000)
        return
    _, printed = await node.run(
        "id -u; id -g; id -G; grep CapEff /proc/self/status", user=1000, group=2000, groups=(3000,)
    )
    assert printed == "1000\n2000\n2000 3000\nCapEff:\t0000000000000000\n"
    assert (await node.run("echo x > /dev/stdout", user=1000))[1] == "x\n"


@inside
async def test_root_gets_a_container_engines_capabilities(node: Node) -> None:
    show = "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    _, printed = await node.run(show)
    assert printed == "CapEff:\t00000000a00425fb\nNoNewPrivs:\t0\n"
    _, printed = await node.run(show, drop_capabilities=("ALL",), no_new_privileges=True)
    assert printed == "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
    _, printed = await node.run(
        show, drop_capabilities=("ALL",), add_capabilities=("NET_BIND_SERVICE",)
    )
    assert printed == "CapEff:\t0000000000000400\nNoNewPrivs:\t0\n"


@inside
async def test_no_core_image_is_ever_written(node: Node) -> None:
    assert (await node.run("ulimit -c"))[1] == "0\n"


@inside
async def test_the_command_starts_with_default_signals_and_no_descriptors(node: Node) -> None:
    # As a shell does for what it starts in the background.
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    signals = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status | cut -f2; ls /proc/self/fd; umask"
    handle = await node.start("bash", "-c", f'exec sh -c "{signals}"')
    await node.runtime.wait(handle.id)
    blocked, ignored, *lines = (await node.output(handle)).split()
    assert int(blocked, 16) == 0
    # glibc keeps signals 32 and 33 to itself; whoever starts the tests may have left them ignored.
    assert int(ignored, 16) & ~(1 << 31 | 1 << 32) == 0
    # Descriptor 3 is the directory that ls itself reads.
    assert lines[1:] == ["0", "1", "2", "3", "0022"]


@inside
async def test_the_termination_message(node: Node) -> None:
    ended, _ = await node.run("echo log; echo -n done > /dev/termination-log; exit 1")
    assert ended.message == "done"
    ended, _ = await node.run("echo -n done > /srv/m", termination_message_path="/srv/m")
    assert ended.message == "done"
    assert not Path("/srv/m").exists()
    fallback = {"termination_message_policy": "FallbackToLogsOnError"}
    assert (await node.run("echo log; exit 1", **fallback))[0].message == "log\n"
    assert (await node.run("echo log", **fallback))[0].message == ""
    assert (await node.run("head -c 9000 /dev/zero > /dev/termination-log"))[0].message == (
        "\0" * 4096
    )


@inside
async def test_a_removed_container_is_forgotten_with_its_log(node: Node) -> None:
    handle = await node.start("sleep", "1000")
    await node.runtime.remove_container(handle.id)
    assert list(node.home.runtime("logs").iterdir()) == []
    assert list(node.home.runtime("messages").iterdir()) == []
    with pytest.raises(UnknownContainer):
        node.runtime.status(handle.id)
    with pytest.raises(UnknownContainer):
        await node.runtime.wait(handle.id)


@inside
async def test_a_cancelled_start_leaves_nothing(node: Node) -> None:
    marker = f"5678.{os.getpid()}"
    task = asyncio.create_task(node.start("sleep", marker))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _processes(marker) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@inside
async def test_every_container_dies_with_a_killed_node_agent(node: Node) -> None:
    marker = f"8765.{os.getpid()}"
    agent = os.fork()
    if agent == 0:
        # A second node agent on the same home, killed as hard as can be.
        asyncio.run(_live(node, marker))
    await _until(lambda: len(_processes(marker)) == 2)
    os.kill(agent, signal.SIGKILL)
    os.waitpid(agent, 0)
    await _until(lambda: _processes(marker) == [])


async def _live(node: Node, marker: str) -> None:
    await node.start("sleep", marker)
    await node.start("sh", "-c", f"trap '' TERM; sleep {marker}; exit")
    await asyncio.Event().wait()


def test_it_is_a_runtime(tmp_path: Path) -> None:
    """The type checker holds the class to its port here."""
    runtime: Runtime = ProcessRuntime(VolumeHome(tmp_path, rootless=False, swappable=False))
    with pytest.raises(UnknownContainer):
        runtime.status("none")


def test_a_specs_repr_holds_no_value() -> None:
    spec = spec_of("sh", "-c", "echo hunter2", env={"PASSWORD": "hunter3"})
    assert "hunter" not in repr(spec)


def _descriptors() -> list[str]:
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


def _processes(marker: str) -> list[int]:
    """The host's processes with this word as an argument."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker.encode() in words:
                found.append(int(entry.name))
    return found


async def _until(holds: Callable[[], bool]) -> None:
    """Wait until it's so; the test's own time limit is the only clock."""
    while not holds():
        await asyncio.sleep(0.01)


async def _first_line(node: Node, container_id: str) -> None:
    async for _ in node.runtime.logs(container_id, LogOptions(follow=True)):
        return
