"""Publishes a set of files in a directory all at once, in the layout that kubelets use.

    TARGET/..2026_11_22_01_02_03.k3v9x0aq/   the files themselves
    TARGET/..data -> ..2026_11_22_01_02_03.k3v9x0aq
    TARGET/NAME -> ..data/NAME               one for each first path element

A reader that resolves `..data` once sees one generation whole: the only step that changes what
is visible is the rename of a new link over `..data`. Readers may watch that rename with inotify.
A crash at any step leaves either generation whole; what it strands, the next write sweeps away.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_DATA = "..data"
_NEW_DATA = "..data_tmp"
_MAX_NAME = 255
_MAX_PATH = 4096


class InvalidPayloadPath(ValueError):
    """A path of the payload can't be published; the message is the kubelet's."""


@dataclass(frozen=True, slots=True)
class FileProjection:
    """One file: its bytes (never shown), permission bits, and owner if not the node agent's."""

    data: bytes = field(repr=False)
    mode: int
    uid: int | None = None


class AtomicWriter:
    """Writes generations of files into `target`, an existing directory owned by this writer alone.

    Synchronous and not safe for concurrent calls on one target: the caller keeps them in order.
    """

    def __init__(self, target: Path) -> None:
        self._target = target

    def write(
        self,
        payload: Mapping[str, FileProjection],
        set_permissions: Callable[[Path], None] | None = None,
    ) -> bool:
        """Make `payload` (relative path → file) what the directory shows; whether that changed it.

        Equal paths and bytes write nothing: modes and owners come from the pod's spec, which
        never changes. `set_permissions` is given the new generation before anyone can see it
        (fsGroup). Raises `InvalidPayloadPath` before touching anything, and OSError with the old
        generation still in place.
        """
        files = _clean(payload)
        current = self._current()
        changed = current is None or not _same(self._target / current, files)
        if changed:
            current = self._publish(files, set_permissions)
        self._link(files)
        self._sweep(files, keep=current)
        return changed

    def _current(self) -> str | None:
        try:
            return str((self._target / _DATA).readlink())
        except FileNotFoundError:
            return None

    def _publish(
        self,
        files: Mapping[str, FileProjection],
        set_permissions: Callable[[Path], None] | None,
    ) -> str:
        prefix = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
        generation = Path(tempfile.mkdtemp(prefix=prefix, dir=self._target))
        new_link = self._target / _NEW_DATA
        try:
            generation.chmod(0o755)
            for name, projection in files.items():
                _write_file(generation / name, projection)
            if set_permissions is not None:
                set_permissions(generation)
            # A writer that died between these two steps left its link behind.
            new_link.unlink(missing_ok=True)
            new_link.symlink_to(generation.name)
            new_link.replace(self._target / _DATA)
        except BaseException:
            new_link.unlink(missing_ok=True)
            shutil.rmtree(generation, ignore_errors=True)
            raise
        return generation.name

    def _link(self, files: Mapping[str, FileProjection]) -> None:
        for name in {path.split("/", 1)[0] for path in files}:
            link = self._target / name
            if not link.is_symlink():
                link.symlink_to(f"{_DATA}/{name}")

    def _sweep(self, files: Mapping[str, FileProjection], *, keep: str | None) -> None:
        """Remove links to names that are gone, and every generation but `keep`."""
        names = {path.split("/", 1)[0] for path in files}
        for entry in list(self._target.iterdir()):
            if entry.name in names or entry.name in (_DATA, keep):
                continue
            if entry.is_symlink():
                if entry.name == _NEW_DATA or entry.readlink() == Path(_DATA, entry.name):
                    entry.unlink()
            elif entry.name.startswith("..") and entry.is_dir():
                shutil.rmtree(entry)


def _clean(payload: Mapping[str, FileProjection]) -> dict[str, FileProjection]:
    files = {}
    for path, projection in payload.items():
        _check_path(path)
        cleaned = os.path.normpath(path)
        # "./..x" only starts with two dots once it's clean.
        _check_path(cleaned)
        files[cleaned] = projection
    return files


def _check_path(path: str) -> None:
    if not path:
        raise InvalidPayloadPath('invalid path: must not be empty: ""')
    if path.startswith("/"):
        raise InvalidPayloadPath(f"invalid path: must be relative path: {path}")
    if len(os.fsencode(path)) > _MAX_PATH:
        message = f"invalid path: must be less than or equal to {_MAX_PATH} characters"
        raise InvalidPayloadPath(message)
    elements = path.split("/")
    for element in elements:
        if element == "..":
            raise InvalidPayloadPath(f"invalid path: must not contain '..': {path}")
        if len(os.fsencode(element)) > _MAX_NAME:
            message = (
                f"invalid path: filenames must be less than or equal to {_MAX_NAME} characters"
            )
            raise InvalidPayloadPath(message)
    if elements[0].startswith(".."):
        raise InvalidPayloadPath(f"invalid path: must not start with '..': {path}")


def _write_file(path: Path, projection: FileProjection) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # 0600 until complete; the mode is then set past the umask, as the pod's spec asks.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb", buffering=0) as file:
        remaining = memoryview(projection.data)
        while remaining:
            remaining = remaining[file.write(remaining) :]
        if projection.uid is not None:
            os.fchown(fd, projection.uid, -1)
        os.fchmod(fd, projection.mode)


def _same(generation: Path, files: Mapping[str, FileProjection]) -> bool:
    """Whether the generation on disk holds exactly these paths with these bytes."""
    try:
        if _paths(generation) != set(files):
            return False
        return all((generation / name).read_bytes() == file.data for name, file in files.items())
    except FileNotFoundError:
        return False


def _paths(generation: Path) -> set[str]:
    found = set[str]()
    for folder, _, names in os.walk(generation):
        found.update(str((Path(folder) / name).relative_to(generation)) for name in names)
    return found
