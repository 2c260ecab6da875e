"""The Linux calls that Python 3.11 doesn't wrap, typed: namespaces, mounts, capabilities, prctl.

Imports only ctypes and os, because it's loaded at every container's start. Each function raises
OSError whose `filename` says which call (and which mount's target) failed.
"""

from __future__ import annotations

import ctypes
import os

# Not from typing, whose import alone takes a fifth of a container's start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000

MNT_DETACH: Final = 0x2

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

# The calls without a libc wrapper on the oldest supported libc. Their numbers are the same on
# every architecture: Linux assigns one number to all from 424 on.
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_OPENAT2: Final = 437
_SYS_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_AT_EMPTY_PATH: Final = 0x1000
_OPEN_TREE_CLONE: Final = 0x1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 0x04
_MOVE_MOUNT_T_SYMLINKS: Final = 0x10
_MOUNT_ATTR_RDONLY: Final = 0x1
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_BENEATH: Final = 0x08
_CAPABILITY_VERSION_3: Final = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
    return result


def _path(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    """Move the calling process into new namespaces (`CLONE_NEWUSER` needs a single thread)."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, flags: int) -> None:
    """Join the namespaces named by `flags` of the process behind the pidfd `fd` (Linux 5.8)."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(flags)), "setns")


def mount(
    source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str = ""
) -> None:
    """Attach a filesystem or a bind."""
    result = _libc.mount(
        _path(source), _path(target), _path(kind), ctypes.c_ulong(flags), _path(options)
    )
    _check(result, f"mount {kind or 'bind'} on {target}")


def umount(target: str, flags: int = 0) -> None:
    """Detach what is mounted at `target`."""
    _check(_libc.umount2(_path(target), ctypes.c_int(flags)), f"umount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """Exchange the root. Both may be one directory: the old root is then stacked on the new."""
    _check(_libc.pivot_root(_path(new_root), _path(put_old)), "pivot_root")


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def make_read_only(target: str | int, *, recursive: bool = False) -> None:
    """Make a mount read-only, keeping its other flags (Linux 5.12).

    `target` is where it is mounted, or a descriptor of it, attached or not.
    """
    attr = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY)
    directory, path = (_AT_FDCWD, target) if isinstance(target, str) else (target, "")
    flags = _AT_RECURSIVE if recursive else 0
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(directory),
        _path(path),
        ctypes.c_uint(flags if path else flags | _AT_EMPTY_PATH),
        ctypes.byref(attr),
        ctypes.c_size_t(ctypes.sizeof(attr)),
    )
    _check(result, f"make read-only {target}")


def clone_mount(source: int) -> int:
    """A copy of the mount tree at a descriptor, attached nowhere (open_tree, Linux 5.2)."""
    result = _libc.syscall(
        ctypes.c_long(_SYS_OPEN_TREE),
        ctypes.c_int(source),
        b"",
        ctypes.c_uint(_OPEN_TREE_CLONE | _AT_RECURSIVE | _AT_EMPTY_PATH | os.O_CLOEXEC),
    )
    return _check(result, "open_tree")


def attach_mount(tree: int, target: str) -> None:
    """Mount what `clone_mount` gave (move_mount, Linux 5.2); links in `target` are followed."""
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOVE_MOUNT),
        ctypes.c_int(tree),
        b"",
        ctypes.c_int(_AT_FDCWD),
        _path(target),
        ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_SYMLINKS),
    )
    _check(result, f"move_mount {target}")


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(directory: int, path: str, flags: int) -> int:
    """Open `path` below the directory descriptor; a way that leaves it is refused (EXDEV).

    The kernel checks every step of the walk, symbolic links included, so a pod that swaps a link
    during the walk can't lead it outside (openat2 with RESOLVE_BENEATH, Linux 5.6).
    """
    how = _OpenHow(flags=flags | os.O_CLOEXEC, resolve=_RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    result = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(directory),
        _path(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    return _check(result, "openat2")


def _prctl(option: int, what: str, argument: int = 0) -> None:
    arguments = [ctypes.c_ulong(value) for value in (argument, 0, 0, 0)]
    _check(_libc.prctl(ctypes.c_int(option), *arguments), what)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this signal when the thread that created this process ends."""
    _prctl(_PR_SET_PDEATHSIG, "prctl PDEATHSIG", signal_number)


def forbid_inspection() -> None:
    """Close /proc/PID/{mem,environ,fd} of this process to others of the same user."""
    _prctl(_PR_SET_DUMPABLE, "prctl DUMPABLE", 0)


def no_new_privileges() -> None:
    """Make setuid bits and file capabilities powerless for this process and all after it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, "prctl NO_NEW_PRIVS", 1)


def drop_bounding_capability(number: int) -> None:
    """Make it impossible for any later exec to gain this capability."""
    _prctl(_PR_CAPBSET_DROP, "prctl CAPBSET_DROP", number)


def clear_ambient_capabilities() -> None:
    """Empty the ambient set."""
    _prctl(_PR_CAP_AMBIENT, "prctl CAP_AMBIENT", _PR_CAP_AMBIENT_CLEAR_ALL)


def set_capabilities(*, effective: int, permitted: int, inheritable: int) -> None:
    """capset(2) for the calling process; each argument is a bit mask by capability number."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    masks = (effective, permitted, inheritable)
    words = [mask >> shift & 0xFFFFFFFF for shift in (0, 32) for mask in masks]
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)(*words)), "capset")


def set_hostname(name: str) -> None:
    """Name the UTS namespace of the calling process."""
    raw = os.fsencode(name)
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def mount_tmpfs(target: str, *, mode: int, size: str | None = None) -> bool:
    """Mount a tmpfs, kept out of swap where the kernel accepts that; whether it is swappable."""
    options = f"mode={mode:o}" + (f",size={size}" if size else "")
    try:
        mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options + ",noswap")
    except OSError:
        # Before Linux 6.4, or in a user namespace: the kernel knows or grants no such option.
        mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)
        return True
    return False
