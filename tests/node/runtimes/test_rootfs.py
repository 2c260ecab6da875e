"""The filesystem a container sees: volumes for it alone, the host untouched, secrets hidden."""

# Each body has a process and an event loop of its own, so blocking calls hold nothing up:
# ruff: noqa: ASYNC240

import contextlib
import os
import sys
from pathlib import Path

import pytest

from strongroom.node.atomicwriter import AtomicWriter, FileProjection
from strongroom.node.runtimes.port import ContainerStartError, LogOptions, Mount
from tests.node.runtimes.inside import Node, inside


@inside
async def test_a_mount_path_exists_for_its_container_only(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    (volume / "password").write_text("hunter2")
    target = "/does-not-exist-on-the-host/creds"
    _, printed = await node.run(f"cat {target}/password", mounts=(Mount(volume, target, True),))
    assert printed == "hunter2"
    assert (await node.run(f"ls {target}"))[0].code != 0
    assert not Path(target).parent.exists()


@inside
async def test_the_host_sees_nothing(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    (volume / "password").write_text("hunter2")
    handle = await node.start("sleep", "1000", mounts=(Mount(volume, "/creds"),))
    # The parent of this process (pytest) never left the host's namespace.
    parent = Path("/proc", str(os.getppid()))
    assert str(node.directory) in Path("/proc/self/mounts").read_text()
    assert str(node.directory) not in (parent / "mounts").read_text()
    assert "/creds" not in (parent / "mounts").read_text()
    if not node.home.rootless:
        assert list((parent / "root" / node.home.path.relative_to("/")).iterdir()) == []
    await node.runtime.remove_container(handle.id)


@inside
async def test_writes_vanish_with_the_container(node: Node) -> None:
    paths = ("/new-file", "/usr/new-file", "/var/new-file")
    ended, _ = await node.run(" && ".join(f"echo x > {path}" for path in paths))
    assert ended.code == 0
    for path in paths:
        assert not Path(path).exists()
        assert (await node.run(f"cat {path}"))[0].code != 0


@inside
async def test_writes_to_the_hosts_own_files_stay_inside(node: Node) -> None:
    existing = node.directory.parent / "existing"
    existing.write_text("before")
    _, printed = await node.run(f"echo -n after > {existing}; cat {existing}; rm -f {existing}")
    # Rootless, a file below another user's directory can't be copied up: the write is refused.
    assert printed == "after" or (node.home.rootless and printed.endswith("before"))
    assert existing.read_text() == "before"


@inside
async def test_a_read_only_root_takes_no_writes_but_volumes_do(node: Node) -> None:
    mounts = (
        Mount(node.home.volume("uid", "scratch"), "/scratch"),
        Mount(node.home.volume("uid", "home"), "/home"),
        Mount(node.home.volume("uid", "deep"), "/etc/security/made/here"),
    )
    script = "for d in / /etc /var /etc/security /etc/security/made; do touch $d/x && echo $d; done"
    _, printed = await node.run(script, read_only_root=True, mounts=mounts)
    assert printed.count("Read-only file system") == 5, printed
    script = (
        "for d in /scratch /home /etc/security/made/here /dev/shm; do touch $d/x || exit 1; done"
    )
    assert (await node.run(script, read_only_root=True, mounts=mounts))[0].code == 0


@inside
async def test_a_read_only_volume_takes_no_writes(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    ended, printed = await node.run("touch /c/x", mounts=(Mount(volume, "/c", read_only=True),))
    assert ended.code != 0
    assert "Read-only file system" in printed


@inside
async def test_the_containers_of_a_pod_share_a_volume_and_nothing_else(node: Node) -> None:
    mounts = (Mount(node.home.volume("uid", "shared"), "/shared"),)
    writer = await node.start(
        "sh", "-c", "echo private > /private; echo hello > /shared/greeting; sleep 1000",
        mounts=mounts,
    )  # fmt: skip
    wait = "until grep . /shared/greeting; do sleep 0.02; done 2>/dev/null"
    _, printed = await node.run(f"{wait}; ls /private", mounts=mounts)
    assert printed.splitlines()[0] == "hello"
    assert "No such file" in printed
    assert node.runtime.status(writer.id).running


@inside
async def test_the_nodes_own_files_are_hidden(node: Node) -> None:
    (node.directory / "ca.key").write_text("hunter2")
    other = node.home.volume("another-pod", "creds")
    (other / "password").write_text("hunter2")
    _, printed = await node.run(
        f"ls -A {node.directory}; cat {other}/password; umount {node.directory}; "
        f"grep -r hunter2 {node.directory.parent}; ls -A {node.directory}"
    )
    assert "hunter2" not in printed
    assert "ca.key" not in printed
    assert (node.directory / "ca.key").read_text() == "hunter2"


@inside
async def test_only_its_own_processes_are_visible(node: Node) -> None:
    _, printed = await node.run(
        "ls -d /proc/[0-9]*; cat /proc/1/environ; cat /proc/sys/kernel/pid_max"
    )
    pids = [line for line in printed.splitlines() if line.startswith("/proc/")]
    assert pids == ["/proc/1", "/proc/2"]  # process 1 and the shell that looked
    assert (await node.run("echo 1 > /proc/sys/kernel/pid_max"))[0].code != 0


@inside
async def test_devices_are_the_harmless_ones(node: Node) -> None:
    _, printed = await node.run("ls /dev; head -c 2 /dev/zero | od -An -tx1; echo x > /dev/null")
    names = "fd full null ptmx pts random shm stderr stdin stdout termination-log tty urandom zero"
    assert printed.split() == [*names.split(), "00", "00"]


@inside
async def test_a_mount_path_through_a_link_stays_in_the_container(node: Node) -> None:
    volume = node.home.volume("uid", "token")
    (volume / "token").write_text("abc")
    target = "/var/run/secrets/kubernetes.io/serviceaccount"
    _, printed = await node.run(f"cat {target}/token", mounts=(Mount(volume, target, True),))
    assert printed == "abc"
    assert not Path("/run/secrets/kubernetes.io").exists()


@inside
async def test_no_mount_path_leads_to_the_host(node: Node) -> None:
    """Neither `..` above the root, nor a link that a pod's own volume holds, nor /proc's links."""
    outside = node.directory.parent / "outside"
    outside.mkdir()
    volume = node.home.volume("uid", "scratch")
    (volume / "up").symlink_to("../" * 30 + str(outside).removeprefix("/"))
    ways = (f"/..{outside}", "/v/up", f"/proc/self/cwd/..{outside}", f"/proc/1/root/..{outside}")
    for number, way in enumerate(ways):
        mounts = (
            Mount(volume, "/v"),
            Mount(volume, f"{way}/made{number}"),
            Mount(volume, f"{way}/file{number}", sub_path="plain"),
        )
        (volume / "plain").write_text("x")
        # Whether such a path can be mounted at all is of no matter.
        with contextlib.suppress(ContainerStartError):
            await node.run("true", mounts=mounts, cwd=f"{way}/cwd{number}")
    assert list(outside.iterdir()) == []


@inside
async def test_a_mount_path_deep_in_the_hosts_own_directories(node: Node) -> None:
    volume = node.home.volume("uid", "v")
    (volume / "x").write_text("abc")
    target = "/etc/security/made/here"
    _, printed = await node.run(
        f"cat {target}/x; ls /etc/security/limits.conf", mounts=(Mount(volume, target),)
    )
    assert printed == "abc/etc/security/limits.conf\n"


@inside
async def test_nested_mounts_whatever_their_order(node: Node) -> None:
    outer, inner = node.home.volume("uid", "outer"), node.home.volume("uid", "inner")
    (inner / "x").write_text("abc")
    mounts = (Mount(inner, "/a/b/c"), Mount(outer, "/a"))
    assert (await node.run("cat /a/b/c/x", mounts=mounts))[1] == "abc"


@inside
async def test_a_file_over_a_file(node: Node) -> None:
    source = node.home.volume("uid", "v") / "resolv.conf"
    source.write_text("nameserver 192.0.2.1\n")
    mounts = (Mount(source, "/etc/resolv.conf", True), Mount(source, "/new/name"))
    _, printed = await node.run("cat /etc/resolv.conf /new/name", mounts=mounts)
    assert printed == "nameserver 192.0.2.1\n" * 2


@inside
async def test_sub_paths(node: Node) -> None:
    volume = node.home.volume("uid", "v")
    (volume / "..gen").mkdir()
    (volume / "..gen" / "key").write_text("abc")
    (volume / "..data").symlink_to("..gen")
    (volume / "key").symlink_to("..data/key")
    mounts = (
        Mount(volume, "/etc/key", True, "key"),
        Mount(volume, "/made", False, "new/dir"),
    )
    _, printed = await node.run("cat /etc/key; echo x > /made/file", mounts=mounts)
    assert printed == "abc"
    assert (volume / "new" / "dir" / "file").read_text() == "x\n"


@inside
async def test_a_sub_path_never_leaves_its_volume(node: Node) -> None:
    volume = node.home.volume("uid", "v")
    (volume / "absolute").symlink_to("/etc")
    (volume / "upwards").symlink_to("../../../another-pod")
    node.home.volume("another-pod", "creds")
    for sub_path in ("absolute", "upwards", "absolute/ssl", "../v2"):
        with pytest.raises(ContainerStartError, match="subPath"):
            await node.start("true", mounts=(Mount(volume, "/x", False, sub_path),))


@inside
async def test_a_pod_sees_the_swap_of_a_published_secret(node: Node) -> None:
    volume = node.home.volume("uid", "creds")
    writer = AtomicWriter(volume)
    writer.write({"password": FileProjection(b"one", 0o444)})
    # A program that sleeps in inotify, as pods do: it prints the file at each swap of `..data`.
    watcher = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
fd = libc.inotify_init()
libc.inotify_add_watch(fd, b"/creds", 0x80)  # IN_MOVED_TO
print(open("/creds/password").read(), flush=True)
while b"..data\\0" not in os.read(fd, 4096):
    pass
print(open("/creds/password").read(), flush=True)
"""
    handle = await node.start(
        sys.executable, "-I", "-S", "-c", watcher, mounts=(Mount(volume, "/creds", True),)
    )
    seen = b""
    async for chunk in node.runtime.logs(handle.id, LogOptions(follow=True)):
        seen += chunk
        if seen == b"one\n":
            writer.write({"password": FileProjection(b"two", 0o444)})
    assert seen == b"one\ntwo\n"
