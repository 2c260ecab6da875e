"""The port between the pod sync and whatever runs containers: a runtime's whole vocabulary.

Call order: `start` once, then any number of containers, then `close` once. A container is known by
the id in its handle from `start_container` until `remove_container`; every other call with an
unknown id raises `UnknownContainer`.

    RuntimeFailure                  the runtime can't do what was asked
    ├── RuntimeUnavailable          this kernel or user can't run containers at all
    ├── ContainerStartError         one container didn't start (its own fault or its spec's)
    ├── UnknownContainer            no container has that id
    └── ExecTimeout                 a command run inside a container outlived its time limit
"""

import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


class RuntimeFailure(Exception):
    """Base of every error a runtime raises. Messages never hold environment values."""


class RuntimeUnavailable(RuntimeFailure):
    """The kernel, or what this user may ask of it, doesn't allow this runtime to work."""


class ContainerStartError(RuntimeFailure):
    """The container never ran.

    `reason` is the waiting reason a kubelet shows: `RunContainerError` when its command could not
    be started, `CreateContainerError` when what surrounds the command could not be made. The
    matching terminated state is reason `StartError` with `exit_code` (128, as containerd reports).
    """

    exit_code = 128

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class UnknownContainer(RuntimeFailure):
    """No container has this id: it was never started here, or has been removed."""


class ExecTimeout(RuntimeFailure):
    """A command given to `run_in` was killed because its time limit passed."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One volume as one container sees it.

    `source` is a directory or file of the node (usually from `VolumeHome`), `target` an absolute
    path inside the container, created when missing. `sub_path` is resolved inside `source` at
    start, without ever leaving it, and made as a directory when missing.
    """

    source: Path
    target: str
    read_only: bool = False
    sub_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """Everything a runtime needs to start one container, already resolved and expanded.

    `argv` is command and args together. `env` is complete: a runtime adds only `PATH` and
    `HOSTNAME` where they're missing. Both may hold Secret values and stay out of the repr.
    `user`/`group` are numeric ids; None means root, as for an image without USER.
    `groups` are supplemental groups, fsGroup included. Capabilities are named without `CAP_`.
    """

    pod_uid: str
    namespace: str
    pod: str
    name: str
    attempt: int
    argv: tuple[str, ...] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    hostname: str = ""
    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    read_only_root: bool = False
    no_new_privileges: bool = False
    privileged: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    stop_signal: int = signal.SIGTERM
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: Literal["File", "FallbackToLogsOnError"] = "File"


@dataclass(frozen=True, slots=True)
class ContainerHandle:
    """A started container: its id (`strongroom://ID` is the API's containerID) and start time."""

    id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended.

    `code` is the command's exit code, or 128 + `signal` when a signal ended it (`signal` is then
    not 0). `message` is the termination message, at most 4096 characters; it's the container's own
    output and may hold values, so it stays out of the repr.
    """

    code: int
    signal: int
    started_at: datetime
    finished_at: datetime
    oom: bool = False
    message: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """A container now; `exit` is None while it runs."""

    id: str
    started_at: datetime
    exit: Exit | None

    @property
    def running(self) -> bool:
        """Whether its command has not ended yet."""
        return self.exit is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """The PodLogOptions of the API. `since_time` wins over `since_seconds`; None is "no limit".

    `stream` picks one of the two streams, None gives both in order of arrival.
    """

    follow: bool = False
    tail_lines: int | None = None
    since_seconds: float | None = None
    since_time: datetime | None = None
    limit_bytes: int | None = None
    timestamps: bool = False
    stream: Literal["stdout", "stderr"] | None = None


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command inside a container did; `output` is its stdout and stderr, at most 16 KiB."""

    code: int
    output: bytes = field(repr=False)


class Runtime(Protocol):
    """Starts, watches and stops containers. All methods are safe to call from one event loop."""

    async def start(self) -> None:
        """Check that containers can run here. Raises `RuntimeUnavailable` with what is missing."""
        ...

    async def close(self) -> None:
        """Kill every container at once and wait until no process of theirs is left."""
        ...

    async def start_container(self, spec: ContainerSpec) -> ContainerHandle:
        """Start it; returns once its command runs. Raises `ContainerStartError`."""
        ...

    async def stop_container(self, container_id: str, *, grace: float) -> Exit:
        """Send its stop signal, and SIGKILL after `grace` seconds. Harmless once it has ended."""
        ...

    async def wait(self, container_id: str) -> Exit:
        """Wait until it has ended. Any number of callers may wait."""
        ...

    def status(self, container_id: str) -> ContainerStatus:
        """The container now."""
        ...

    def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Its output in chunks; with `follow` until it has ended. Logs stay until removal.

        The log of a previous attempt is the log of that attempt's own container id.
        """
        ...

    async def run_in(
        self,
        container_id: str,
        argv: tuple[str, ...],
        *,
        timeout: float,  # noqa: ASYNC109 - a probe's limit is part of what it asks
    ) -> ExecResult:
        """Run a command inside it, with its environment and user (exec probes, hooks).

        Raises `ExecTimeout` after `timeout` seconds, `ContainerStartError` when the command
        can't start or the container has ended.
        """
        ...

    async def remove_container(self, container_id: str) -> None:
        """Forget an ended container and delete its log; a running one is killed first."""
        ...
