"""Runs a person's editor on a file, in a way that leaves no copy of it elsewhere."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from strongroom.cli.people import Failure

_VIM = ("vim", "nvim")
_QUIET = ["-n", "-i", "NONE", "--cmd", "set noundofile nobackup nowritebackup"]
"""Keeps vim's swap files, registers (viminfo holds what was yanked) and undo files off the disk."""


def edit(path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Let the editor of ``KUBE_EDITOR`` or ``EDITOR``, else vi, work on a file until it ends.

    Raises Failure if there is no such editor, it ends with an error, or it would draw values where
    no terminal is: into a pipe, or the log of a job.
    """
    chosen = environ.get("KUBE_EDITOR") or environ.get("EDITOR") or "vi"
    try:
        argv = shlex.split(chosen)
    except ValueError:
        argv = []
    if not argv:
        raise Failure("EDITOR is not a command")
    if _is_vim(argv[0]) and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failure(
            f"there is no terminal for {argv[0]}; name a program that needs none in EDITOR, or use "
            "strongroom secret set"
        )
    argv += [*(_QUIET if _is_vim(argv[0]) else []), str(path)]
    # What an editor or its plugins put into temporary files stays in memory, too.
    environment = {**environ, "TMPDIR": str(path.parent)}
    # Ctrl-C in an editor is the editor's.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = subprocess.run(argv, env=environment, check=False).returncode  # noqa: S603 - the user's own choice
    except OSError as error:
        raise Failure(f"cannot run the editor {argv[0]}: {error.strerror}; set EDITOR") from error
    finally:
        signal.signal(signal.SIGINT, previous)
    if code != 0:
        raise Failure(f"the editor {argv[0]} ended with code {code}; nothing was changed")


def _is_vim(program: str) -> bool:
    """Whether the program is a vim, by whatever name: vi is often a link to one."""
    found = shutil.which(program)
    return found is not None and Path(found).resolve().name.startswith(_VIM)
