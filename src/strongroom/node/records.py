"""What the node knows of each container of a pod, from which its status is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from strongroom.api.times import parse_time
from strongroom.node.crashloop import CrashLoop
from strongroom.node.runtimes.port import Exit
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_container_status import ContainerStatus

SCHEME = "strongroom://"
"""What a containerID begins with, as ``containerd://`` does elsewhere."""

Kind = Literal["init", "sidecar", "app"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. The message is the container's own output: not for logs."""

    code: int
    reason: str
    finished_at: datetime
    started_at: datetime | None = None
    signal: int = 0
    message: str = field(default="", repr=False)
    container_id: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run now, in the kubelet's words."""

    reason: str
    message: str = ""


@dataclass(slots=True)
class Record:
    """One container of a pod over all its attempts."""

    spec: Container
    kind: Kind
    attempts: int = 0
    container_id: str = ""
    running_since: datetime | None = None
    ended: Ended | None = None
    ended_before: Ended | None = None
    waiting: Waiting | None = None
    retry_at: datetime | None = None
    """Not to be tried again before this moment, after a failed configuration."""
    started: bool = False
    ready: bool = False
    crash_loop: CrashLoop = field(default_factory=CrashLoop)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def running(self) -> bool:
        return self.running_since is not None

    @property
    def restarts(self) -> int:
        """The restartCount: attempts after the first."""
        return max(0, self.attempts - 1)

    @property
    def succeeded(self) -> bool:
        """Whether its newest attempt ended well."""
        return not self.running and self.ended is not None and self.ended.code == 0

    def begin(self, container_id: str, started_at: datetime) -> None:
        """A new attempt runs."""
        self._count()
        self.container_id = container_id
        self.running_since = started_at
        self.started = self.spec.startupProbe is None
        self.ready = self.spec.readinessProbe is None and self.started

    def fail_to_begin(self, waiting: Waiting, now: datetime, code: int) -> None:
        """A new attempt could not be started at all."""
        self._count()
        self.container_id = ""
        self.ended = Ended(code, "StartError", now, now, message=waiting.message)
        self.waiting = waiting

    def end(self, exit_: Exit) -> None:
        """The running attempt ended."""
        reason = "OOMKilled" if exit_.oom else "Completed" if exit_.code == 0 else "Error"
        self.ended = Ended(
            exit_.code,
            reason,
            exit_.finished_at,
            exit_.started_at,
            exit_.signal,
            exit_.message,
            self.container_id,
        )
        self.running_since = None
        self.started = self.ready = False

    def _count(self) -> None:
        self.attempts += 1
        self.ended_before, self.ended = self.ended or self.ended_before, None
        self.waiting = self.retry_at = None


def records_of(pod: Pod, now: datetime) -> list[Record]:
    """The containers of a pod in the order of their starts.

    What the pod's status tells of earlier attempts is taken over: an agent that was restarted goes
    on counting. Processes end with their agent, so what was running has ended, nobody knows how.
    """
    sides: list[tuple[Kind, Container]] = [
        ("sidecar" if c.restartPolicy == "Always" else "init", c) for c in pod.spec.initContainers
    ]
    sides += [("app", c) for c in pod.spec.containers]
    statuses = [*pod.status.initContainerStatuses, *pod.status.containerStatuses]
    known = {status.name: status for status in statuses}
    return [_adopted(Record(spec, kind), known.get(spec.name), now) for kind, spec in sides]


def _adopted(record: Record, status: ContainerStatus | None, now: datetime) -> Record:
    if status is None:
        return record
    state, last = status.state, status.lastState
    terminated = state.terminated or last.terminated
    if state.running is not None:
        record.ended = Ended(
            137,
            "ContainerStatusUnknown",
            now,
            _moment(state.running.startedAt),
            message="The container could not be located when the node agent was restarted",
            container_id=status.containerID.removeprefix(SCHEME),
        )
    elif terminated is not None:
        record.ended = Ended(
            terminated.exitCode,
            terminated.reason,
            _moment(terminated.finishedAt) or now,
            _moment(terminated.startedAt),
            terminated.signal,
            terminated.message,
            terminated.containerID.removeprefix(SCHEME),
        )
    if record.ended is not None:
        record.attempts = status.restartCount + 1
        if record.kind != "app" and state.running is None and state.terminated is None:
            record.ended_before, record.ended = record.ended, None
    return record


def _moment(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
