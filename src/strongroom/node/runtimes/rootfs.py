"""Builds the root filesystem that one container sees, inside its own mount namespace.

Runs in the launcher, as process 1 of the container's process namespace. The host's files are the
lower layer of an overlay whose upper layer is a tmpfs of this container: everything is there to
read, every write vanishes with the container, and a mountPath that the host doesn't have can be
made without the host noticing. Volumes are then bind-mounted over it.

Order matters: the host's root is gone before anything of a mountPath is looked up, so that neither
a symbolic link in it (`/var/run` → `/run`) nor a `..` can lead to the host. The volumes were cloned
before, as mounts that are attached nowhere yet.
"""

# pathlib would double the start-up time of every container, hence:
# ruff: noqa: PTH101, PTH102, PTH103, PTH110, PTH112, PTH115, PTH116, PTH118, PTH120, PTH123
# ruff: noqa: PTH208, PTH211

from __future__ import annotations

import contextlib
import errno
import os
import stat

from strongroom.node.runtimes import linux

# Not from typing, whose import alone takes a fifth of a container's start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SPECIAL = ("/proc", "/sys", "/dev")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# As container engines do: a container's root user has no business in the host's kernel settings.
_PROC_READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
_PROC_MASKED = ("kcore", "keys", "timer_list")


class SetupError(Exception):
    """A step failed; the message says which, and is fit for the container's status."""


def build(spec: dict[str, Any]) -> None:
    """Make and enter the container's root filesystem. Raises SetupError or OSError."""
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    base = spec["base"]
    linux.mount_tmpfs(base, mode=0o700)
    root = os.path.join(base, "root")
    os.mkdir(root)
    layers = _Layers(base, root, [*spec["hidden"], spec["home"]])
    layers.mount_host()
    _mount_proc(root)
    _mount_sys(root)
    _mount_dev(root, everything=spec["privileged"])
    layers.hide()
    volumes = [_clone_volume(mount) for mount in spec["mounts"]]
    os.chdir(root)
    linux.pivot_root(".", ".")
    # The old root now lies on top of the new one, where `/..` would find it: away with it first.
    linux.umount(".", linux.MNT_DETACH)
    os.chdir("/")
    mounts = sorted(zip(spec["mounts"], volumes, strict=True), key=lambda pair: _depth(pair[0]))
    for mount, volume in mounts:
        _mount_volume(mount, volume, layers.writable)
    with contextlib.suppress(OSError):
        # A missing working directory is made, as runc does; what can't be made fails at chdir.
        os.makedirs(spec["cwd"], exist_ok=True)
    for fd in layers.writable:
        if spec["read_only_root"]:
            # By descriptor: a volume may be mounted over this by now, and stays as it is.
            linux.make_read_only(fd)
        os.close(fd)


class _Layers:
    """The overlays over the host's filesystems, all with their upper side on one tmpfs.

    `writable` collects a descriptor of every mount that takes the container's own writes.
    """

    def __init__(self, base: str, root: str, hidden: list[str]) -> None:
        self._base = base
        self._root = root
        self._hidden = hidden
        self._count = 0
        self.writable: list[int] = []

    def mount_host(self) -> None:
        """Show the host below the new root."""
        try:
            self._overlay("/")
        except OSError:
            # In a user namespace the kernel refuses a lower layer with the host's own mounts
            # below it, which `/` always has: take its directories one by one.
            self._skeleton()
        else:
            for path in self._submounts():
                self._submount(path)

    def hide(self) -> None:
        """Cover the hidden paths with nothing."""
        for path in self._hidden:
            target = self._root + path
            if os.path.isdir(target):
                linux.mount("tmpfs", target, "tmpfs", linux.MS_RDONLY, "mode=755,size=4k")
            elif os.path.lexists(target):
                linux.mount("/dev/null", target, None, linux.MS_BIND)

    def _overlay(self, path: str) -> None:
        upper, work = (os.path.join(self._base, f"{kind}{self._count}") for kind in ("up", "work"))
        self._count += 1
        os.mkdir(upper)
        os.mkdir(work)
        # The merged root directory is the upper one, so it has to look like the lower one.
        found = os.stat(path)
        os.chmod(upper, stat.S_IMODE(found.st_mode))
        with contextlib.suppress(OSError):
            os.chown(upper, found.st_uid, found.st_gid)
        sides = f"lowerdir={_escape(path)},upperdir={_escape(upper)},workdir={_escape(work)}"
        target = self._root + path
        try:
            linux.mount("overlay", target, "overlay", 0, sides + ",userxattr")
        except OSError:
            linux.mount("overlay", target, "overlay", 0, sides)
        self.writable.append(_hold(target))

    def _submount(self, path: str) -> None:
        # A filesystem that can't be a lower layer is shown read-only; one that can't be reached
        # at all (another user's FUSE) is left out.
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                try:
                    self._overlay(path)
                    return
                except OSError:
                    pass
            _bind_read_only(path, self._root + path)

    def _skeleton(self) -> None:
        linux.mount_tmpfs(self._root, mode=0o755)
        self.writable.append(_hold(self._root))
        for entry in os.scandir("/"):
            target = self._root + entry.path
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), target)
            elif entry.is_dir():
                os.mkdir(target)
                if entry.path not in _SPECIAL:
                    self._top_level(entry.path, target)
            elif entry.is_file():
                _touch(target)
                _bind_read_only(entry.path, target)

    def _top_level(self, path: str, target: str) -> None:
        with contextlib.suppress(OSError):
            try:
                self._overlay(path)
            except OSError:
                if path in ("/run", "/tmp"):  # noqa: S108 - names of the root's directories
                    linux.mount_tmpfs(target, mode=stat.S_IMODE(os.stat(path).st_mode))
                    self.writable.append(_hold(target))
                else:
                    _bind_read_only(path, target)

    def _submounts(self) -> Iterator[str]:
        seen = set()
        with open("/proc/self/mountinfo", "rb") as lines:
            paths = [os.fsdecode(_unescape(line.split(b" ")[4])) for line in lines]
        for path in paths:
            if path == "/" or path in seen or _inside(path, (*_SPECIAL, *self._hidden)):
                continue
            seen.add(path)
            yield path


def _inside(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _escape(path: str) -> str:
    """A path as overlay's option parser reads it back."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _unescape(raw: bytes) -> bytes:
    """A path of mountinfo, where space, tab, newline and backslash are written in octal."""
    for octal in (b"\\040", b"\\011", b"\\012", b"\\134"):
        raw = raw.replace(octal, bytes([int(octal[1:], 8)]))
    return raw


def _hold(path: str) -> int:
    """A descriptor of what is mounted at `path` now."""
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _bind_read_only(source: str, target: str) -> None:
    linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)
    linux.make_read_only(target, recursive=True)


def _mount_proc(root: str) -> None:
    target = os.path.join(root, "proc")
    try:
        linux.mount("proc", target, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    except OSError:
        # A host whose own /proc is partly covered (a container) forbids a fresh one.
        linux.mount("/proc", target, None, linux.MS_BIND | linux.MS_REC)
        return
    for name in _PROC_READ_ONLY:
        path = os.path.join(target, name)
        if os.path.lexists(path):
            linux.mount(path, path, None, linux.MS_BIND | linux.MS_REC)
            linux.make_read_only(path, recursive=True)
    for name in _PROC_MASKED:
        path = os.path.join(target, name)
        if os.path.lexists(path):
            linux.mount("/dev/null", path, None, linux.MS_BIND)


def _mount_sys(root: str) -> None:
    _bind_read_only("/sys", os.path.join(root, "sys"))


def _mount_dev(root: str, *, everything: bool) -> None:
    target = os.path.join(root, "dev")
    if everything:
        linux.mount("/dev", target, None, linux.MS_BIND | linux.MS_REC)
        return
    linux.mount("tmpfs", target, "tmpfs", linux.MS_NOSUID, "mode=755,size=64k")
    for name in _DEVICES:
        _touch(os.path.join(target, name))
        linux.mount(f"/dev/{name}", os.path.join(target, name), None, linux.MS_BIND)
    for name, destination in _DEVICE_LINKS.items():
        os.symlink(destination, os.path.join(target, name))
    for name in ("pts", "shm"):
        os.mkdir(os.path.join(target, name))
    flags = linux.MS_NOSUID | linux.MS_NOEXEC
    options = "newinstance,ptmxmode=0666,mode=0620"
    linux.mount("devpts", os.path.join(target, "pts"), "devpts", flags, options)
    linux.mount_tmpfs(os.path.join(target, "shm"), mode=0o1777, size="64m")


def _depth(mount: dict[str, Any]) -> int:
    return len([part for part in mount["target"].split("/") if part])


def _clone_volume(mount: dict[str, Any]) -> int:
    """The volume as a mount that is attached nowhere yet."""
    source = _open_source(mount)
    try:
        tree = linux.clone_mount(source)
        if mount["read_only"]:
            linux.make_read_only(tree, recursive=True)
    except OSError as error:
        raise SetupError(f"volume for {mount['target']}: {error.strerror}") from None
    finally:
        os.close(source)
    return tree


def _open_source(mount: dict[str, Any]) -> int:
    """The volume's directory or file as a descriptor, its subPath resolved without leaving it."""
    where = f"volume for {mount['target']}"
    try:
        source = os.open(mount["source"], os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise SetupError(f"{where}: {error.strerror}") from None
    sub_path = os.path.normpath(mount["sub_path"]) if mount["sub_path"] else "."
    if sub_path == ".":
        return source
    try:
        try:
            return linux.open_beneath(source, sub_path, os.O_PATH)
        except FileNotFoundError:
            return _make_beneath(source, sub_path)
    except OSError as error:
        # Without the path: what subPathExpr made of a variable may be a Secret's value.
        raise SetupError(f"{where}: subPath: {error.strerror}") from None


def _make_beneath(source: int, sub_path: str) -> int:
    """Make the directories of `sub_path` one by one, each opened beneath the volume first."""
    parent = source
    walked = ""
    for part in sub_path.split("/"):
        walked = os.path.join(walked, part)
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=parent)
        parent = linux.open_beneath(source, walked, os.O_PATH)
    return parent


def _mount_volume(mount: dict[str, Any], volume: int, writable: list[int]) -> None:
    target = mount["target"]
    try:
        directory = stat.S_ISDIR(os.fstat(volume).st_mode)
        _make_target(target, writable, directory=directory)
        if os.path.isdir(target) != directory:
            # The kernel's own answer here (EINVAL) tells nobody anything.
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        linux.attach_mount(volume, target)
    except OSError as error:
        raise SetupError(f"mount at {target}: {error.strerror}") from None
    finally:
        os.close(volume)


def _make_target(target: str, writable: list[int], *, directory: bool) -> None:
    if os.path.exists(target):
        return
    try:
        _make(target, directory=directory)
    except FileExistsError:
        raise
    except OSError:
        # Rootless, a directory of a user that isn't mapped can't be written even in an overlay.
        parent = os.path.dirname(os.path.normpath(target))
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        writable.extend(_shadow(parent))
        _make(target, directory=directory)


def _make(target: str, *, directory: bool) -> None:
    if directory:
        os.makedirs(target)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _touch(target)


def _shadow(directory: str) -> Iterator[int]:
    """Cover a directory with a writable tmpfs that shows the same entries; what was mounted."""
    below = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = os.listdir(directory)
        linux.mount_tmpfs(directory, mode=stat.S_IMODE(os.fstat(below).st_mode) | 0o700)
        yield _hold(directory)
        for name in names:
            target = os.path.join(directory, name)
            mode = os.stat(name, dir_fd=below, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                os.symlink(os.readlink(name, dir_fd=below), target)
                continue
            if stat.S_ISDIR(mode):
                os.mkdir(target)
            else:
                _touch(target)
            linux.mount(f"/proc/self/fd/{below}/{name}", target, None, linux.MS_BIND | linux.MS_REC)
            yield _hold(target)
    finally:
        os.close(below)
