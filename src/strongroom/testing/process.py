"""A strongroom of one's own for a test: real processes on loopback, a free port, scratch files.

::

    with Strongroom.start(tmp_path, "apiserver") as room:
        subprocess.run(["kubectl", "get", "secrets"], env=room.environment())
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class StartFailed(Exception):
    """strongroom ended before it was ready; the text is what it said on standard error."""


class Strongroom:
    """A running ``strongroom up`` or ``strongroom apiserver``. Leaving the block stops it."""

    def __init__(self, process: subprocess.Popen[str], ready: str, log: Path) -> None:
        self.process = process
        _, self.url, kubeconfig = ready.split(maxsplit=2)
        self.kubeconfig = Path(kubeconfig.removeprefix("kubeconfig="))
        self.log = log

    @classmethod
    def start(
        cls,
        directory: Path,
        command: str = "up",
        *arguments: str,
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> Self:
        """Start ``strongroom COMMAND`` with its data and its key below ``directory``; wait for it.

        A second start with the same directory continues there. Raises StartFailed.

        Beside an ``apiserver`` alone nobody makes ServiceAccounts, so pods do without them there,
        as with controller-runtime's envtest, unless ``arguments`` say which plugins are on.

        ``prefix`` comes before the command line and must become it, as ``ip netns exec NAME`` does.
        """
        directory.mkdir(parents=True, exist_ok=True)
        log = directory / f"{command}.log"
        argv = [*prefix, sys.executable, "-m", "strongroom", command]
        argv += ["--data-dir", str(directory / "data"), "--port", str(port)]
        argv += ["--encryption-key-file", str(directory / "encryption.key"), *arguments]
        if command == "apiserver" and "-admission-plugins" not in " ".join(arguments):
            argv.append("--disable-admission-plugins=ServiceAccount")
        with log.open("a") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                argv, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        stream = process.stdout
        ready = stream.readline() if stream is not None else ""
        if not ready.startswith("ready "):
            process.wait()
            if stream is not None:
                stream.close()
            raise StartFailed(log.read_text())
        return cls(process, ready.strip(), log)

    @property
    def port(self) -> int:
        """The port it serves on."""
        return int(self.url.rsplit(":", 1)[1])

    def environment(self) -> dict[str, str]:
        """The environment in which kubectl and other clients find this server."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def stop(self) -> int:
        """SIGTERM, and wait for the end; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL: no goodbye, as in a crash."""
        return self._end(signal.SIGKILL)

    def _end(self, signum: int) -> int:
        self.process.send_signal(signum)
        code = self.process.wait(timeout=60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.stop()
