"""Runs a further command inside a running container (exec probes, lifecycle hooks)."""

import asyncio
import contextlib
import json
import os
import signal
from typing import Any

from strongroom.node.runtimes.container import Container, spawn
from strongroom.node.runtimes.port import ContainerStartError, ExecResult, ExecTimeout

# As the kubelet: a probe's output is read up to here, the rest is thrown away.
_MAX_OUTPUT = 16 * 1024


async def execute(container: Container, payload: dict[str, Any], timeout: float) -> ExecResult:  # noqa: ASYNC109 - the port's
    """Run it to its end or its time limit. Raises ExecTimeout and ContainerStartError."""
    try:
        namespaces = container.init_descriptor()
    except OSError:
        raise ContainerStartError("RunContainerError", "the container has ended") from None
    status, status_w = os.pipe()
    output, output_w = os.pipe()
    try:
        launcher = spawn("enter", payload, [status_w, namespaces], stdout=output_w, stderr=output_w)
    finally:
        for fd in (status_w, namespaces, output_w):
            os.close(fd)
    end = os.pidfd_open(launcher.pid)
    # The command may leave children that hold the output open: its own end decides.
    collector = _Collector(output)
    timed_out = False
    try:
        try:
            await asyncio.wait_for(_readable(end), timeout)
        except TimeoutError:
            timed_out = True
    finally:
        # Ask the launcher to kill the command's whole process group, then wait for both.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(end, signal.SIGTERM)
        await asyncio.shield(_readable(end))
        launcher.wait()
        collector.finish()
        with os.fdopen(status, "rb") as stream:
            news = json.loads(stream.readline() or b"{}")
        os.close(end)
    if timed_out:
        raise ExecTimeout(f"command timed out after {timeout:g}s")
    if "exit" in news:
        return ExecResult(news["exit"]["code"], bytes(collector.data))
    error = news.get("error") or {"reason": "RunContainerError", "message": "exec failed"}
    raise ContainerStartError(error["reason"], error["message"])


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)


class _Collector:
    """Reads a pipe until `finish`, keeping the beginning."""

    def __init__(self, fd: int) -> None:
        self.data = bytearray()
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._open = True
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def finish(self) -> None:
        """Take what is there already, and let go."""
        while self._open and self._read():
            pass
        if self._open:
            self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 64 * 1024)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
            self._open = False
        self.data += data[: _MAX_OUTPUT - len(self.data)]
        return bool(data)
