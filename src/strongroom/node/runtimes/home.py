"""Where volumes live: a tmpfs that only the node agent and its containers can see.

The node process leaves the host's mount namespace at its very start and mounts a tmpfs over
DIR/volumes. On the host that directory stays empty, `/proc/mounts` says nothing of it, no value
reaches a disk, and when the last process of the node is gone the kernel drops all of it.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from strongroom.node.runtimes import linux
from strongroom.node.runtimes.port import RuntimeUnavailable


@dataclass(frozen=True, slots=True)
class VolumeHome:
    """The private tmpfs at `path`. `rootless` says whether it lives in a user namespace.

    `swappable` is True where the kernel can't keep a tmpfs out of swap (before Linux 6.4, or
    rootless): values may then reach swap space, which the node should report.
    """

    path: Path
    rootless: bool
    swappable: bool

    def volume(self, pod_uid: str, name: str) -> Path:
        """The directory of one volume of one pod, made when missing (mode 0755)."""
        directory = self._pod(pod_uid) / "volumes" / name
        if not directory.is_dir():
            directory.mkdir(parents=True)
            directory.chmod(0o755)
        return directory

    def remove_volume(self, pod_uid: str, name: str) -> None:
        """Delete one volume's files; its containers must have ended. Harmless if it's gone."""
        shutil.rmtree(self._pod(pod_uid) / "volumes" / name, ignore_errors=True)

    def remove_pod(self, pod_uid: str) -> None:
        """Delete everything of a pod; its containers must have ended. Harmless if it's gone."""
        shutil.rmtree(self._pod(pod_uid), ignore_errors=True)

    def runtime(self, name: str) -> Path:
        """A directory for the runtime's own files (logs, mount points), made when missing."""
        directory = self.path / "runtime" / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def _pod(self, pod_uid: str) -> Path:
        return self.path / "pods" / pod_uid


def enter_private_mounts(directory: Path, *, size: str | None = None) -> VolumeHome:
    """Move this process to a private mount namespace with a tmpfs over DIRECTORY/volumes.

    Call it before anything starts a thread: without root it needs a new user namespace, which
    the kernel gives to single-threaded processes only (no event loop, no uvloop import, no
    executor may have run). The process's user is then root inside, and only there. `size` is
    tmpfs's own option, such as `512m` or `20%`; half of the memory when None.
    Raises RuntimeUnavailable saying what the kernel refused.
    """
    rootless = os.geteuid() != 0
    target = directory / "volumes"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if rootless:
            _enter_user_namespace()
        else:
            linux.unshare(linux.CLONE_NEWNS)
        # Private, not slave: nothing mounted on the host later appears here either, so what a
        # container sees doesn't depend on when it started.
        linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        swappable = linux.mount_tmpfs(str(target), mode=0o700, size=size)
    except OSError as error:
        hint = (
            "unprivileged user namespaces must be allowed and the process single-threaded"
            if rootless
            else "CAP_SYS_ADMIN is needed"
        )
        raise RuntimeUnavailable(
            f"can't make a private mount namespace ({hint}): {error.filename}: {error.strerror}"
        ) from error
    return VolumeHome(target, rootless, swappable)


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
    # The kernel wants setgroups given up before an unprivileged process may map a group.
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")
