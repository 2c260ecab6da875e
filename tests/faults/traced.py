"""What a process does to the files of a directory, as strace tells it, and with errors injected."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.disk import Disk
from tests.parts import require_part

_CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,unlink"
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_LINE = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)(.*)")
_FILE = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has returned. ``begun`` and ``ended`` are numbers of lines of the trace."""

    name: str
    path: Path
    begun: int
    ended: int
    ok: bool
    data: bytes = b""
    offset: int = 0
    creates: bool = False


def run(arguments: Sequence[str], trace: Path, *inject: str) -> int:
    """Run a module of ours below strace; the exit code. ``inject`` are faults, as strace's."""
    command = [
        str(require_part("strace")),
        "-f",
        "-q",
        "-y",
        "-xx",
        "-s",
        "100000",
        "-o",
        str(trace),
    ]
    command += ["-e", f"trace={_CALLS}"]
    for fault in inject:
        command += ["-e", f"inject={fault}"]
    command += ["-E", "PYTHONDONTWRITEBYTECODE=1"]
    return subprocess.run([*command, sys.executable, "-m", *arguments], timeout=240).returncode


def calls(trace: Path, directory: Path) -> Iterator[Call]:
    """The calls on files of a directory, and on the directory, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    with trace.open() as lines:
        for number, line in enumerate(lines):
            process, _, rest = line.rstrip("\n").partition(" ")
            rest = rest.lstrip()
            if rest.endswith(_UNFINISHED):
                begun[process] = (number, rest.removesuffix(_UNFINISHED))
                continue
            first = number
            if resumed := _RESUMED.match(rest):
                first, start = begun.pop(process)
                rest = start + rest[resumed.end() :]
            found = _LINE.match(rest)
            call = _call(found, first, number) if found else None
            if call is not None and directory in (call.path, call.path.parent):
                yield call


def _call(found: re.Match[str], begun: int, ended: int) -> Call | None:
    name, arguments, ok = found[1], found[2], int(found[3]) >= 0
    data, offset, creates = b"", 0, False
    if name in ("openat", "unlink"):
        text = _TEXT.search(arguments)
        path = _bytes(text[1]).decode() if text else ""
        creates = "O_CREAT" in arguments
    else:
        file = _FILE.match(arguments)
        path = _bytes(file[1]).decode(errors="replace") if file else ""
        rest = arguments[file.end() :] if file else ""
        if name in ("write", "pwrite64"):
            text = _TEXT.search(rest)
            data = _bytes(text[1])[: int(found[3])] if text and ok else b""
        if name in ("pwrite64", "ftruncate"):
            offset = int(rest.rpartition(", ")[2])
    return Call(name, Path(path), begun, ended, ok, data, offset, creates) if path else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def replay(disk: Disk, call: Call, directory: Path) -> None:
    """Do to a disk what a call did."""
    name = call.path.name
    file = disk.files.get(name)
    match call.name:
        case "openat" if call.creates and call.ok:
            disk.create(name)
        case "unlink" if call.ok:
            disk.unlink(name)
        case "pwrite64" if file is not None and call.ok:
            file.write(call.offset, call.data)
        case "ftruncate" if file is not None and call.ok:
            file.truncate(call.offset)
        case "fsync" | "fdatasync":
            if call.path != directory:
                if file is not None:
                    file.sync(ok=call.ok)
            elif call.ok:
                disk.sync_names()
