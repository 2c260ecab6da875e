"""One container as the node agent holds it: its launcher, its pipes, its news, its end."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from strongroom.node.runtimes.logs import ContainerLog
from strongroom.node.runtimes.port import ContainerSpec, ContainerStartError, Exit

# The package's source root: the launcher is run without site-packages, which halves its start.
_SOURCE: Final = str(Path(__file__).resolve().parents[3])
# A container that prints without end must not hold up the others: a little at a time.
_READ = 16 * 1024
_MESSAGE_BYTES = 4096
_FALLBACK_BYTES = 2048
_FALLBACK_LINES = 80


def spawn(
    function: str, payload: dict[str, Any], descriptors: list[int], *, stdout: int, stderr: int
) -> subprocess.Popen[bytes]:
    """Start `launcher.FUNCTION(*descriptors)` in a new process with an empty environment.

    The payload travels in an anonymous memory file as standard input: nothing of it is ever in
    an argument, an environment or a named file, and writing it can't block.
    """
    code = (
        f"import sys; sys.path.insert(0, {_SOURCE!r}); "
        f"from strongroom.node.runtimes.launcher import {function}; "
        f"{function}(*map(int, sys.argv[1:]))"
    )
    memory = os.memfd_create("spec", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "wb") as stream:
            stream.write(json.dumps(payload).encode())
        os.lseek(memory, 0, os.SEEK_SET)
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-I", "-S", "-c", code, *map(str, descriptors)],
            stdin=memory,
            stdout=stdout,
            stderr=stderr,
            pass_fds=descriptors,
            env={},
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(memory)


class Container:
    """A container from launch to end. All callbacks run in the event loop that launched it."""

    def __init__(
        self, container_id: str, spec: ContainerSpec, log: ContainerLog, message_file: Path
    ) -> None:
        self.id = container_id
        self.spec = spec
        self.log = log
        self.started_at = datetime.now(UTC)
        self.exit: Exit | None = None
        self._message_file = message_file
        self._loop = asyncio.get_running_loop()
        self._settled = asyncio.Event()
        self._failure: ContainerStartError | None = None
        self._ended = asyncio.Event()
        self._init = -1
        self._result: tuple[int, int] | None = None
        self._news = b""
        self._readers: dict[int, Callable[[bytes], None]] = {}

    async def launch(self, payload: dict[str, Any]) -> None:
        """Start it and wait until its command runs. Raises ContainerStartError."""
        ends = [os.pipe() for _ in range(4)]
        (status, status_w), (acknowledged, self._acknowledge), (out, out_w), (err, err_w) = ends
        try:
            self._launcher = spawn(
                "main", payload, [status_w, acknowledged], stdout=out_w, stderr=err_w
            )
        except OSError as error:
            for fd in (status, self._acknowledge, out, err):
                os.close(fd)
            message = f"can't start the launcher: {error.strerror}"
            raise ContainerStartError("CreateContainerError", message) from error
        finally:
            for fd in (status_w, acknowledged, out_w, err_w):
                os.close(fd)
        self._readers = {
            status: self._on_news,
            out: lambda data: self.log.feed("stdout", data),
            err: lambda data: self.log.feed("stderr", data),
        }
        for fd in self._readers:
            os.set_blocking(fd, False)
            self._loop.add_reader(fd, self._on_readable, fd)
        self._launcher_end = os.pidfd_open(self._launcher.pid)
        self._loop.add_reader(self._launcher_end, self._on_end)
        try:
            await self._settled.wait()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            # Failed by itself, or the caller was cancelled: nothing of it may go on.
            self.kill()
            await self._ended.wait()
            raise

    async def wait(self) -> Exit:
        """Its end."""
        await self._ended.wait()
        assert self.exit is not None  # noqa: S101 - set before the event; tells mypy
        return self.exit

    def signal(self, number: int) -> None:
        """Send a signal to process 1, which passes it on to the command."""
        if self._init >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, number)

    def kill(self) -> None:
        """SIGKILL for everything inside; harmless once it has ended."""
        if self._init >= 0:
            self.signal(signal.SIGKILL)
        elif not self._ended.is_set():
            # Not yet known: with its launcher, the kernel kills it too.
            signal.pidfd_send_signal(self._launcher_end, signal.SIGKILL)

    def init_descriptor(self) -> int:
        """A new descriptor of process 1, for joining its namespaces. Raises OSError when gone."""
        return os.dup(self._init)

    def _on_readable(self, fd: int) -> None:
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return
        if data:
            self._readers[fd](data)
        else:
            self._forget(fd)

    def _forget(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        del self._readers[fd]
        os.close(fd)

    def _on_news(self, data: bytes) -> None:
        *lines, self._news = (self._news + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))

    def _handle(self, news: dict[str, Any]) -> None:
        if "init" in news:
            # Still our launcher's child until we acknowledge, so the pid is the right one.
            self._init = os.pidfd_open(news["init"])
            os.close(self._acknowledge)
            self._acknowledge = -1
        elif "started" in news:
            self.started_at = datetime.now(UTC)
            self._settle(None)
        elif "error" in news:
            error = news["error"]
            self._settle(ContainerStartError(error["reason"], error["message"]))
        elif "exit" in news:
            self._result = news["exit"]["code"], news["exit"]["signal"]

    def _settle(self, error: ContainerStartError | None) -> None:
        if not self._settled.is_set():
            self._failure = error
            self._settled.set()

    def _on_end(self) -> None:
        """The launcher ended, so every process of the container has: read what they left."""
        self._loop.remove_reader(self._launcher_end)
        self._launcher.wait()
        for fd in list(self._readers):
            self._drain(fd)
        for fd in (self._acknowledge, self._init, self._launcher_end):
            if fd >= 0:
                os.close(fd)
        self._acknowledge = self._init = self._launcher_end = -1
        self.log.close()
        lost = "the launcher ended before the command started"
        self._settle(ContainerStartError("CreateContainerError", lost))
        # Without news of its own end, process 1 was killed.
        code, number = self._result or (128 + signal.SIGKILL, int(signal.SIGKILL))
        self.exit = Exit(
            code, number, self.started_at, datetime.now(UTC), message=self._message(code)
        )
        self._ended.set()

    def _drain(self, fd: int) -> None:
        while fd in self._readers:
            try:
                data = os.read(fd, _READ)
            except BlockingIOError:
                # Somebody outside holds the pipe (it was handed on over a socket): not ours.
                data = b""
            if data:
                self._readers[fd](data)
            else:
                self._forget(fd)

    def _message(self, code: int) -> str:
        try:
            with self._message_file.open("rb") as file:
                raw = file.read(_MESSAGE_BYTES)
        except OSError:
            raw = b""
        fallback = self.spec.termination_message_policy == "FallbackToLogsOnError"
        if not raw and code != 0 and fallback:
            raw = self.log.tail(lines=_FALLBACK_LINES, max_bytes=_FALLBACK_BYTES)
        return raw.decode("utf-8", "replace")
