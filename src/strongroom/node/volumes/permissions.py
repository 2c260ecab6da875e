"""Whose the files of volumes are: fsGroup and the user that a pod runs as."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from strongroom.resources.pod import Pod

_READ_ONLY_FILES = 0o440
_WRITABLE_FILES = 0o660
_DIRECTORIES = stat.S_ISGID | 0o110


def owner_of(pod: Pod) -> int | None:
    """The user that all containers run as; None when they differ or one does not say.

    Upstream's ``FsUserFrom``: nobody else needs to read the pod's tokens.
    """
    general = pod.spec.securityContext
    users = set()
    for container in (*pod.spec.initContainers, *pod.spec.containers):
        own = container.securityContext
        user = own.runAsUser if own is not None else None
        if user is None and general is not None:
            user = general.runAsUser
        users.add(user)
    return users.pop() if len(users) == 1 else None


def give_to_group(root: Path, group: int, *, read_only: bool) -> None:
    """Hand ``root`` and all below it to ``group``; upstream's ``SetVolumeOwnership``.

    Files become readable (and writable, unless ``read_only``) for the group, directories also
    searchable, and new files in them inherit the group. Links are handed over, never followed.
    """
    extra = _READ_ONLY_FILES if read_only else _WRITABLE_FILES
    _hand_over(root, group, extra)
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            _hand_over(Path(folder) / name, group, extra)


def _hand_over(path: Path, group: int, extra: int) -> None:
    os.lchown(path, -1, group)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return
    wanted = stat.S_IMODE(mode) | extra
    if stat.S_ISDIR(mode):
        wanted |= _DIRECTORIES
    path.chmod(wanted)
