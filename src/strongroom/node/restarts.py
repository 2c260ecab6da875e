"""Which containers of a pod are to be started now, and when to look again. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from strongroom.node.crashloop import go_duration
from strongroom.node.records import Record, Waiting
from strongroom.node.surroundings import pod_title
from strongroom.resources.pod import Pod

CRASH_LOOP = "CrashLoopBackOff"


@dataclass(slots=True)
class Plan:
    """``start`` these now; these have just entered ``back_off``; look again after ``wait``."""

    start: list[Record] = field(default_factory=list)
    back_off: list[Record] = field(default_factory=list)
    wait: timedelta | None = None

    def look_after(self, delay: timedelta) -> None:
        """Look again after ``delay`` at the latest."""
        self.wait = delay if self.wait is None else min(self.wait, delay)


def plan(pod: Pod, records: Sequence[Record], now: datetime, *, initialized: bool) -> Plan:
    """What to do next. Containers in back-off are given their waiting state.

    Init containers run one after another; a sidecar (an init container that always restarts) only
    has to have started. ``initialized`` says that this has been reached once in the pod's life.
    """
    made = Plan()
    for record in records:
        if record.kind == "app":
            _consider(pod, record, now, made)
        elif record.kind == "sidecar":
            _consider(pod, record, now, made)
            if not initialized and not (record.running and record.started):
                return made
        elif not record.succeeded and not initialized:
            _consider(pod, record, now, made)
            return made
    return made


def has_ended_for_good(pod: Pod, records: Sequence[Record]) -> bool:
    """Whether no container of the pod will run again (sidecars end with the others)."""
    failed_init = [r for r in records if r.kind == "init" and _ended(r) and not _restarts(pod, r)]
    if any(not r.succeeded for r in failed_init):
        return True
    apps = [r for r in records if r.kind == "app"]
    return all(_ended(r) and not _restarts(pod, r) for r in apps)


def _ended(record: Record) -> bool:
    return not record.running and record.ended is not None


def _restarts(pod: Pod, record: Record) -> bool:
    """Whether its newest end is followed by a restart."""
    policy = record.spec.restartPolicy or pod.spec.restartPolicy or "Always"
    if record.ended is None or (policy == "Always" and record.kind != "init"):
        return True
    return record.ended.code != 0 and policy != "Never"


def _consider(pod: Pod, record: Record, now: datetime, made: Plan) -> None:
    if record.running or not _restarts(pod, record):
        return
    if record.ended is not None:
        remaining = record.crash_loop.remaining(record.ended.finished_at, now)
        if remaining:
            if record.waiting is None or record.waiting.reason != CRASH_LOOP:
                made.back_off.append(record)
            record.waiting = Waiting(CRASH_LOOP, _back_off_text(pod, record))
            made.look_after(remaining)
            return
    if record.retry_at is not None and record.retry_at > now:
        made.look_after(record.retry_at - now)
        return
    made.start.append(record)


def _back_off_text(pod: Pod, record: Record) -> str:
    delay = go_duration(record.crash_loop.delay)
    return f"back-off {delay} restarting failed container={record.name} pod={pod_title(pod)}"
