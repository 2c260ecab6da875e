"""What `strongroom up` does: order of the parts, the ready line, the state file, the end."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from strongroom.api.times import format_time
from strongroom.cli.supervisor import Part, PartFailed, Supervisor
from strongroom.paths import claim_data_dir, run_dir

WRONG_USAGE = 2
LOG_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The settings of one `strongroom up`."""

    data_dir: Path
    bind: str
    port: int
    kubeconfig: Path
    with_node: bool
    with_controllers: bool
    store: str | None
    log_format: str | None = None
    log_level: str | None = None
    arguments: tuple[str, ...] = ()

    def logging(self) -> list[str]:
        """The options about logs, which every part takes."""
        given = {"--log-format": self.log_format, "--log-level": self.log_level}
        return [word for option, value in given.items() if value for word in (option, value)]


def run(options: UpOptions) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    os.umask(0o077)
    try:
        claim_data_dir(options.data_dir)
        for directory in (run_dir(options.data_dir), options.data_dir / "logs"):
            directory.mkdir(exist_ok=True, mode=0o700)
        lock = _lock(options.data_dir)
    except OSError as error:
        say(f"cannot use the data directory: {_reason(error)}")
        return 1
    if lock is None:
        say(
            f"strongroom already runs with {options.data_dir}; "
            f"see strongroom status --data-dir {shlex.quote(str(options.data_dir))}"
        )
        return 1
    try:
        return asyncio.run(Up(options).run())
    finally:
        os.close(lock)


def say(text: str) -> None:
    """Tell the person at the terminal; standard output is kept for the ready line."""
    sys.stderr.write(f"strongroom: {text}\n")
    sys.stderr.flush()


def _reason(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _tell(failure: PartFailed) -> int:
    """Say why a part did not start and what helps; returns the exit code."""
    if failure.code == WRONG_USAGE:
        # Above the last line stands the usage of the part, which is not the command that was typed.
        say(failure.log.rpartition("\n")[2].rpartition(" error: ")[2])
        say("see strongroom up --help, and strongroom apiserver --help for the server's options")
        return WRONG_USAGE
    say(f"{failure}:\n{failure.log or 'it said nothing, or there was no room on disk for it'}")
    if failure.name == "node":
        say("everything but pods works without it: strongroom up --no-node")
    return 1


class Up:
    """One run of `strongroom up`."""

    def __init__(self, options: UpOptions) -> None:
        self._options = options
        self._port = options.port
        self._url = ""
        self._started = datetime.now(UTC)
        self._supervisor = Supervisor(say, self._write_state)

    async def run(self) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop.set)
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
            return 0
        except PartFailed as failure:
            return _tell(failure)
        except TimeoutError as error:
            say(str(error))
            return 1
        except OSError as error:
            say(f"cannot start: {_reason(error)}")
            return 1
        finally:
            starting.cancel()
            stopping.cancel()
            await self._supervisor.stop()
            _state_file(self._options.data_dir).unlink(missing_ok=True)

    async def _start(self) -> None:
        options = self._options
        server = self._part("apiserver", self._server_argv)
        await self._supervisor.start(server)
        self._url = server.ready_line.split()[1]
        self._port = urlsplit(self._url).port or self._port
        parts = []
        if options.with_controllers:
            parts.append(self._part("controllers", self._controllers_argv))
        if options.with_node:
            parts.append(self._part("node", self._node_argv))
        await asyncio.gather(*(self._supervisor.start(part) for part in parts))
        self._write_state()
        sys.stdout.write(f"ready {self._url} kubeconfig={options.kubeconfig}\n")
        sys.stdout.flush()

    def _part(self, name: str, argv: Callable[[], Sequence[str]]) -> Part:
        log = self._options.data_dir / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return Part(name, argv, log)

    def _server_argv(self) -> list[str]:
        options = self._options
        argv = _python("strongroom.server", "--data-dir", str(options.data_dir))
        argv += ["--bind", options.bind, "--port", str(self._port)]
        argv += ["--kubeconfig", str(options.kubeconfig)]
        if options.store:
            argv += ["--store", options.store]
        return [*argv, *options.logging(), *options.arguments]

    def _controllers_argv(self) -> list[str]:
        pki = self._options.data_dir / "pki"
        kubeconfig = pki / "controller-manager.kubeconfig"
        argv = _python("strongroom.controllers", "--kubeconfig", str(kubeconfig))
        argv += ["--root-ca-file", str(pki / "ca.crt")]
        argv += ["--cluster-signing-cert-file", str(pki / "ca.crt")]
        argv += ["--cluster-signing-key-file", str(pki / "ca.key")]
        if not self._several():
            # Nobody else can be at work, and who was killed a moment ago is not waited for.
            argv += ["--leader-elect=false"]
        return argv + self._options.logging()

    def _several(self) -> bool:
        """Whether there may be other servers of the same store, with controllers of their own."""
        store: str = self._facts()["store"]
        return not store.startswith("sqlite:")

    def _node_argv(self) -> list[str]:
        data_dir = self._options.data_dir
        pki = data_dir / "pki"
        argv = _python("strongroom.node", "--kubeconfig", str(pki / "node.kubeconfig"))
        argv += ["--root-dir", str(data_dir / "node"), "--port", "0"]
        argv += ["--tls-cert-file", str(pki / "node-serving.crt")]
        argv += ["--tls-private-key-file", str(pki / "node-serving.key")]
        argv += ["--client-ca-file", str(pki / "ca.crt")]
        for path in (data_dir, self._options.kubeconfig, *self._key_files()):
            argv += ["--hidden-path", str(path)]
        return argv + self._options.logging()

    def _key_files(self) -> list[str]:
        """Where the API server has its key, or what gets at it; pods must not see that."""
        return list(self._facts()["encryption"]["files"])

    def _facts(self) -> dict[str, Any]:
        """What the API server says of itself."""
        path = run_dir(self._options.data_dir) / "apiserver.json"
        facts: dict[str, Any] = json.loads(path.read_text())
        return facts

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "started": format_time(self._started),
            "url": self._url,
            "kubeconfig": str(self._options.kubeconfig),
            "parts": [
                {
                    "name": part.name,
                    "pid": part.process.pid if part.process else 0,
                    "restarts": part.restarts,
                    "log": str(part.log),
                }
                for part in self._supervisor.parts
            ],
        }
        path = _state_file(self._options.data_dir)
        scratch = path.with_suffix(".tmp")
        try:
            scratch.write_text(json.dumps(state))
            scratch.replace(path)
        except OSError as error:
            # A full disk must not end the supervision; `strongroom status` is told old facts.
            say(f"cannot write {path}: {error.strerror}")


def _state_file(data_dir: Path) -> Path:
    return run_dir(data_dir) / "up.json"


def _lock(data_dir: Path) -> int | None:
    """An exclusive lock on the data directory, held while the descriptor is open; else None."""
    descriptor = os.open(run_dir(data_dir) / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
