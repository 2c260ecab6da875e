"""A directory in memory for one file that an editor works on; nothing of it stays behind.

Editors write copies beside the file (swap files, backups), and some write a new file and rename it:
so it is a directory that must be in memory, and not a file without a name.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from strongroom.cli.people import Failure

_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")
_PREFIX = "strongroom-edit-"


def memory_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """A directory that lies in memory. Raises Failure where there is none."""
    wanted = (environ.get("XDG_RUNTIME_DIR"), "/dev/shm", environ.get("TMPDIR"), "/tmp")  # noqa: S108 - only if they are in memory; a directory of one's own is made there
    for name in wanted:
        if name and os.access(name, os.W_OK | os.X_OK) and is_in_memory(Path(name)):
            return Path(name)
    raise Failure(
        "no directory in memory (tmpfs) to edit in; set XDG_RUNTIME_DIR to one, or use "
        "strongroom secret set NAME KEY=?"
    )


def is_in_memory(path: Path) -> bool:
    """Whether a directory is of a tmpfs or ramfs, as the kernel tells."""
    try:
        real = path.resolve(strict=True)
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return False
    best, kind = -1, ""
    for line in lines:
        # The fifth word is where, the first one behind the dash is what.
        before, _, after = line.partition(" - ")
        place = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), before.split()[4]))
        # The last of equal depth lies above the others.
        if real.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), after.split()[0]
    return kind in ("tmpfs", "ramfs")


class Scratch:
    """A directory of one's own (0700) with one file (0600). ``keep`` says to leave it there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.keep = False

    @property
    def state(self) -> tuple[int, int]:
        """Changes when the file is written, be it with the same content."""
        found = self.file.stat()
        return found.st_mtime_ns, found.st_ino

    def write(self, text: str) -> None:
        """Replace the content of the file, which only this user can read."""
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self) -> str:
        """What the file holds now. Raises Failure if the editor left no text there."""
        try:
            return self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise Failure("the editor left no text; nothing was changed") from None


@contextmanager
def scratch(name: str, kept: Path | None = None) -> Iterator[Scratch]:
    """A :class:`Scratch` that is wiped when the block ends, however it ends, unless it is kept.

    ``kept`` is the file of one that was. Raises Failure for a file that is none, and where there is
    no memory for one.
    """
    if kept is not None and not kept.absolute().parent.name.startswith(_PREFIX):
        raise Failure(f"{kept} is not the text of an edit that failed")
    if kept is None:
        kept = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=memory_directory())) / f"{name}.yaml"
    made = Scratch(kept.absolute())
    previous = {number: signal.signal(number, _leave) for number in _ENDING}
    try:
        yield made
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if not made.keep:
            wipe(made.file.parent)


def wipe(directory: Path) -> None:
    """Overwrite all files of a directory, the editor's own too, and remove it."""
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
    shutil.rmtree(directory)


_ENDING = (signal.SIGTERM, signal.SIGHUP)


def _leave(number: int, frame: FrameType | None) -> None:
    """End by an exception, so that what is to be wiped is wiped on the way."""
    raise SystemExit(128 + number)
