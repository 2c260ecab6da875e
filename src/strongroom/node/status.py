"""The status of a pod, made from what the node knows of its containers. No I/O.

The result is the JSON tree that is patched to ``pods/status``. The order of the rules is
upstream's (``pkg/kubelet/kubelet_pods.go`` and ``status/generate.go``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from strongroom.api.times import format_time
from strongroom.node.downward import NodeFacts
from strongroom.node.records import SCHEME, Ended, Record
from strongroom.node.volumes.manager import VolumeReport
from strongroom.resources.pod import Pod

Tree = dict[str, Any]

VOLUMES_CONDITION = "strongroom.io/volumes"
"""Tells which revision of each object the pod's volumes show; its message holds no value."""


@dataclass(slots=True)
class Outcome:
    """Why a pod as a whole ended, where its containers do not say it."""

    reason: str
    message: str


@dataclass(slots=True)
class Conditions:
    """Remembers when each condition last changed."""

    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, pod: Pod) -> Conditions:
        """Those that the pod's status already has."""
        return cls({c.type: (c.status, c.lastTransitionTime) for c in pod.status.conditions})

    def make(self, type_: str, status: str, now: str, reason: str = "", message: str = "") -> Tree:
        """The condition as the API shows it."""
        before = self.known.get(type_)
        since = before[1] if before and before[0] == status and before[1] else now
        self.known[type_] = (status, since)
        tree = {
            "type": type_,
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": since,
        }
        # Null where there is none: a strategic merge keeps what a patch does not name.
        return {**tree, "reason": reason or None, "message": message or None}


def pod_status(
    pod: Pod,
    records: Sequence[Record],
    *,
    node: NodeFacts,
    conditions: Conditions,
    started_at: datetime,
    now: datetime,
    prepared: bool,
    ending: bool = False,
    outcome: Outcome | None = None,
    volumes: VolumeReport | None = None,
) -> Tree:
    """The status now.

    ``prepared`` says that the volumes are set up; ``ending`` that nothing will be started again
    (deletion, deadline); ``outcome`` fails the pod as a whole.
    """
    phase = "Failed" if outcome else pod_phase(pod, records, ending=ending)
    first = node.addresses[0] if node.addresses else ""
    tree: Tree = {
        "observedGeneration": pod.metadata.generation or None,
        "phase": phase,
        "reason": outcome.reason if outcome else None,
        "message": outcome.message if outcome else None,
        "hostIP": first,
        "hostIPs": [{"ip": first}],
        "podIP": first,
        "podIPs": [{"ip": address} for address in node.addresses],
        "startTime": format_time(started_at),
        "conditions": _conditions(pod, records, phase, conditions, now, prepared, volumes),
    }
    initialized = all(_initialized(r) for r in records if r.kind != "app")
    has_init = any(r.kind != "app" for r in records)
    default = "PodInitializing" if has_init and not initialized else "ContainerCreating"
    if has_init:
        starting = "PodInitializing"
        tree["initContainerStatuses"] = [
            container_status(r, starting) for r in records if r.kind != "app"
        ]
        default = starting
    tree["containerStatuses"] = [container_status(r, default) for r in records if r.kind == "app"]
    return tree


def pod_phase(pod: Pod, records: Sequence[Record], *, ending: bool) -> str:
    """Pending, Running, Succeeded or Failed."""
    policy = pod.spec.restartPolicy or "Always"
    inits = [r for r in records if r.kind == "init"]
    apps = [r for r in records if r.kind == "app"]
    failed_init = any(not r.running and r.ended and r.ended.code for r in inits)
    if failed_init and policy == "Never":
        return "Failed"
    if not all(r.succeeded for r in inits) and not (ending and not _any_running(records)):
        return "Pending"
    if any(not r.running and r.ended is None for r in apps):
        return "Failed" if ending and not _any_running(records) else "Pending"
    if any(r.running for r in apps):
        return "Running"
    if not ending and policy == "Always":
        return "Running"
    if all(r.succeeded for r in apps):
        return "Succeeded"
    return "Failed" if ending or policy == "Never" else "Running"


def container_status(record: Record, default_waiting: str) -> Tree:
    """The status of one container."""
    current, last = record.ended, record.ended_before
    if record.running_since is not None:
        state: Tree = {"running": {"startedAt": format_time(record.running_since)}}
    elif record.waiting is not None:
        state = {
            "waiting": _without_empty(reason=record.waiting.reason, message=record.waiting.message)
        }
        last = current or last
    elif current is not None:
        state = {"terminated": _terminated(current)}
    else:
        state = {"waiting": {"reason": default_waiting}}
    tree: Tree = {
        "name": record.name,
        "state": state,
        "lastState": {"terminated": _terminated(last)} if last else {},
        "ready": _ready(record),
        "restartCount": record.restarts,
        "image": record.spec.image,
        "imageID": "",
        "started": record.started and record.running,
    }
    shown = record.container_id or (current.container_id if current else "")
    if shown:
        tree["containerID"] = SCHEME + shown
    return tree


def _conditions(
    pod: Pod,
    records: Sequence[Record],
    phase: str,
    conditions: Conditions,
    now: datetime,
    prepared: bool,
    volumes: VolumeReport | None,
) -> list[Tree]:
    moment = format_time(now)
    made = [
        conditions.make(
            "PodReadyToStartContainers",
            "True" if prepared and phase not in ("Succeeded", "Failed") else "False",
            moment,
        ),
        _initialized_condition(records, phase, conditions, moment),
    ]
    ready, reason, message = _readiness(records, phase)
    made.append(conditions.make("ContainersReady", ready, moment, reason, message))
    if ready == "True":
        ready, reason, message = _gates(pod, conditions)
    made.insert(2, conditions.make("Ready", ready, moment, reason, message))
    made.append(conditions.make("PodScheduled", "True", moment))
    if volumes is not None:
        status = "False" if volumes.problem else "True"
        reason = "RefreshFailed" if volumes.problem else "UpToDate"
        text = "; ".join(part for part in (volumes.text, volumes.problem) if part)
        made.append(conditions.make(VOLUMES_CONDITION, status, moment, reason, text))
    if pod.metadata.generation:
        for condition in made:
            condition["observedGeneration"] = pod.metadata.generation
    return made


def _initialized_condition(
    records: Sequence[Record], phase: str, conditions: Conditions, now: str
) -> Tree:
    if phase == "Succeeded":
        return conditions.make("Initialized", "True", now, "PodCompleted")
    incomplete = [r.name for r in records if r.kind != "app" and not _initialized(r)]
    if incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        return conditions.make("Initialized", "False", now, "ContainersNotInitialized", text)
    return conditions.make("Initialized", "True", now)


def _readiness(records: Iterable[Record], phase: str) -> tuple[str, str, str]:
    if phase == "Succeeded":
        return "False", "PodCompleted", ""
    if phase == "Failed":
        return "False", "PodFailed", ""
    unready = [r.name for r in records if r.kind != "init" and not _ready(r)]
    if unready:
        text = f"containers with unready status: [{' '.join(unready)}]"
        return "False", "ContainersNotReady", text
    return "True", "", ""


def _gates(pod: Pod, conditions: Conditions) -> tuple[str, str, str]:
    """Whether the pod's readiness gates, which others set, are open."""
    statuses: Mapping[str, str] = {c.type: c.status for c in pod.status.conditions}
    closed = [
        f'the status of pod readiness gate "{gate.conditionType}" is not "True", but '
        f"{statuses[gate.conditionType]}"
        if gate.conditionType in statuses
        else f'corresponding condition of pod readiness gate "{gate.conditionType}" does not exist.'
        for gate in pod.spec.readinessGates
        if statuses.get(gate.conditionType) != "True"
    ]
    if closed:
        return "False", "ReadinessGatesNotReady", ", ".join(closed)
    return "True", "", ""


def _any_running(records: Iterable[Record]) -> bool:
    return any(r.running for r in records)


def _initialized(record: Record) -> bool:
    return record.started and record.running if record.kind == "sidecar" else record.succeeded


def _ready(record: Record) -> bool:
    if record.kind == "init":
        return record.succeeded
    return record.running and record.ready


def _terminated(ended: Ended) -> Tree:
    return _without_empty(
        exitCode=ended.code,
        signal=ended.signal,
        reason=ended.reason,
        message=ended.message,
        startedAt=format_time(ended.started_at) if ended.started_at else None,
        finishedAt=format_time(ended.finished_at),
        containerID=SCHEME + ended.container_id if ended.container_id else "",
    )


def _without_empty(**fields: Any) -> Tree:
    return {name: value for name, value in fields.items() if value or name == "exitCode"}
