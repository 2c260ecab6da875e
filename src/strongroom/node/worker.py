"""The life of one pod on this node: one task that, step by step, makes it what the API says.

    set up volumes ──→ init containers, one by one ──→ containers, restarted by policy
                                                              │
    deletion, deadline, or all ended ──→ stop ──→ wipe volumes ──→ last status ──→ delete

Every step looks at what is (the records) and what should be (the newest pod), so a step that was
interrupted or repeated does no harm. Changed objects reach the volumes without passing here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from strongroom.api.times import parse_time
from strongroom.client.backoff import Backoff
from strongroom.node.attempts import Attempts
from strongroom.node.objects import Ref
from strongroom.node.probes import Prober, ProbeResult
from strongroom.node.publisher import StatusPublisher, forget_pod
from strongroom.node.records import Record, Waiting, records_of
from strongroom.node.references import references_of
from strongroom.node.restarts import has_ended_for_good, plan
from strongroom.node.runtimes.port import Exit
from strongroom.node.starting import CONFIG_RETRY, run_post_start, start_container
from strongroom.node.status import Conditions, Outcome, pod_status
from strongroom.node.stopping import Hurry, stop_containers
from strongroom.node.surroundings import Surroundings, pod_title
from strongroom.node.volumes.manager import PodVolumes
from strongroom.resources.pod import Pod
from strongroom.telemetry import log

_log = logging.getLogger("strongroom.node")

DEFAULT_GRACE = 30
DEADLINE_TEXT = "Pod was active on the node longer than the specified deadline"
_TROUBLE_RETRY = timedelta(seconds=10)


class PodWorker:
    """One pod. ``start`` it; tell it of changes with ``update`` and ``gone``; it ends by itself.

    ``on_end`` runs once, when nothing of the pod is left on the node.
    """

    def __init__(self, pod: Pod, around: Surroundings, on_end: Callable[[PodWorker], None]) -> None:
        self.pod = pod
        now = around.clock.now()
        self.records = records_of(pod, now)
        self._around = around
        self._on_end = on_end
        self._volumes = PodVolumes(
            pod,
            home=around.home,
            objects=around.objects,
            tokens=around.tokens,
            certificates=around.certificates,
            bundles=around.bundles,
            node=around.node,
            report=self._mount_failed,
            withdrawn=self._withdrawn,
        )
        self._publisher = StatusPublisher(around.client, pod, sleep=around.sleep)
        self._conditions = Conditions.of(pod)
        self._started_at = parse_time(pod.status.startTime) if pod.status.startTime else now
        self._wake = asyncio.Event()
        self._ending = asyncio.Event()
        self._hurry = Hurry()
        self._gone = False
        self._prepared = False
        self._initialized = False
        self._finished = pod.status.phase in ("Succeeded", "Failed")
        self._outcome: Outcome | None = None
        self._mount_backoff = Backoff(initial=0.5, limit=122.0, jitter=0.0)
        self._mount_retry_at: datetime | None = None
        self._attempts = Attempts(around.runtime, self._ended)
        self._probers: dict[str, Prober] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._publisher.start()
        uid = self.pod.metadata.uid
        self._around.objects.register(uid, references_of(self.pod), self._object_changed)
        self._task = asyncio.create_task(self._run(), name=f"pod {pod_title(self.pod)}")

    def update(self, pod: Pod) -> None:
        """The pod changed in the API."""
        old, self.pod = self.pod.metadata, pod
        self._volumes.update_pod(pod)
        if (old.labels, old.annotations) != (pod.metadata.labels, pod.metadata.annotations):
            self._volumes.refresh()
        if pod.metadata.deletionTimestamp:
            self._hurry.limit(self._grace())
            self._ending.set()
        self._wake.set()

    def gone(self) -> None:
        """The pod is no longer in the API: nobody waits for a graceful end."""
        self._gone = True
        self._ending.set()
        self._hurry.limit(0.0)
        self._wake.set()

    async def close(self) -> None:
        """Stop working on the pod; its containers are the runtime's to end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._release()

    # --- the loop -------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                if self._gone or self.pod.metadata.deletionTimestamp:
                    await self._delete()
                    break
                wait = await self._step()
            except Exception as error:  # noqa: BLE001 - one pod's trouble must not end its agent
                log(_log, logging.ERROR, "pod failed", error, pod=pod_title(self.pod))
                wait = _TROUBLE_RETRY
            await self._pause(wait)
        await self._release()
        self._on_end(self)

    async def _pause(self, wait: timedelta | None) -> None:
        """Until something happens, or until ``wait`` has passed."""
        waiting = {asyncio.create_task(self._woken())}
        if wait is not None:
            seconds = max(wait.total_seconds(), 0.0)
            waiting.add(asyncio.create_task(self._sleep(seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def _sleep(self, seconds: float) -> None:
        await self._around.sleep(seconds)

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _step(self) -> timedelta | None:
        if self._finished:
            return None
        now = self._around.clock.now()
        remaining = self._until_deadline(now)
        if remaining is not None and remaining <= timedelta():
            self._outcome = Outcome("DeadlineExceeded", DEADLINE_TEXT)
            self._around.tell(self.pod, "Normal", "DeadlineExceeded", DEADLINE_TEXT)
            await self._finish()
            return None
        if has_ended_for_good(self.pod, self.records):
            await self._finish()
            return None
        wait = await self._advance(now)
        self._publish()
        return _sooner(wait, remaining)

    async def _advance(self, now: datetime) -> timedelta | None:
        """Set up volumes and start what is to be started."""
        unready = await self._set_up_volumes(now)
        if unready is not None:
            return unready
        made = plan(self.pod, self.records, now, initialized=self._initialized)
        for record in made.back_off:
            text = f"Back-off restarting failed container {record.name} in pod "
            text += pod_title(self.pod)
            self._tell_about(record, "Warning", "BackOff", text)
        for record in made.start:
            if self._ending.is_set():
                break
            if not await self._begin(record):
                made.look_after(CONFIG_RETRY)
        if not self._initialized and all(_passed(r) for r in self.records if r.kind != "app"):
            self._initialized = True
            if any(r.kind != "app" for r in self.records):
                made.look_after(timedelta())
        return made.wait

    async def _set_up_volumes(self, now: datetime) -> timedelta | None:
        """None when all are set up, else how long to wait for another try."""
        if self._prepared:
            return None
        if self._mount_retry_at is not None and self._mount_retry_at > now:
            return self._mount_retry_at - now
        if await self._volumes.set_up():
            delay = timedelta(seconds=self._mount_backoff.next())
            self._mount_retry_at = now + delay
            return delay
        self._prepared = True
        return None

    async def _begin(self, record: Record) -> bool:
        """Start one container; False when that is to be tried again."""
        ended, attempts = record.ended, record.attempts
        begun = await start_container(self.pod, record, around=self._around, volumes=self._volumes)
        now = self._around.clock.now()
        if ended is not None and record.attempts > attempts:
            record.crash_loop.count(ended.finished_at, now)
        if not begun:
            record.retry_at = record.retry_at or now + CONFIG_RETRY
            return False
        self._attempts.follow(record)
        self._publish()
        if not await self._post_start(record):
            return False
        self._probe(record)
        return True

    async def _post_start(self, record: Record) -> bool:
        hook = asyncio.create_task(run_post_start(self.pod, record, around=self._around))
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({hook, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not hook.done() or hook.result():
                return True
        finally:
            hook.cancel()
            ending.cancel()
        await self._stop([record], self._pod_grace())
        record.waiting = Waiting("PostStartHookError", "PostStartHook failed")
        return False

    # --- what happens around it -----------------------------------------------------------------

    def _ended(self, record: Record, container_id: str, exit_: Exit) -> None:
        if record.running and record.container_id == container_id:
            record.end(exit_)
            self._stop_probing(record)
        self._wake.set()

    def _object_changed(self, ref: Ref) -> None:
        self._volumes.refresh(ref)
        self._mount_retry_at = None
        for record in self.records:
            record.retry_at = None
        self._wake.set()

    def _mount_failed(self, volume: str, text: str) -> None:
        message = f'MountVolume.SetUp failed for volume "{volume}" : {text}'
        self._around.tell(self.pod, "Warning", "FailedMount", message)

    def _withdrawn(self, volume: str, text: str) -> None:
        message = f'{text}; their files were removed from volume "{volume}"'
        self._around.tell(self.pod, "Warning", "SecretWithdrawn", message)

    def _probe(self, record: Record) -> None:
        def answered(result: ProbeResult) -> None:
            self._answered(record, result)

        prober = Prober(record.spec, record.container_id, self._around, answered)
        if prober.start():
            self._probers[record.name] = prober

    def _answered(self, record: Record, result: ProbeResult) -> None:
        """A probe of the running attempt said something."""
        if result.unhealthy:
            self._tell_about(record, "Warning", "Unhealthy", result.unhealthy)
        record.started = result.started
        record.ready = result.ready
        if result.restart:
            why = f"Container {record.name} failed {result.restart} probe, will be restarted"
            self._tell_about(record, "Normal", "Killing", why)
            self._attempts.spawn(self._kill_unhealthy(record))
        self._wake.set()

    async def _kill_unhealthy(self, record: Record) -> None:
        # The watcher of the container notes its end.
        await self._around.runtime.stop_container(record.container_id, grace=self._pod_grace())

    # --- the end --------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """Nothing runs any more, and will not: say so, and keep only the logs."""
        self._finished = True
        await self._stop_all(self._pod_grace())
        self._wipe()
        self._publish(ending=True)

    async def _delete(self) -> None:
        """The pod is to go: stop, wipe, say the last word, and let the API forget it."""
        self._ending.set()
        await self._stop_all(0.0 if self._gone else self._grace())
        self._wipe()
        if self._gone:
            return
        self._publish(ending=True)
        await self._publisher.flush()
        await forget_pod(self._around.client, self.pod, self._pause, lambda: self._gone)

    async def _stop_all(self, grace: float) -> None:
        """Stop everything; sidecars outlive what they serve, within the same grace."""
        until = self._around.clock.monotonic() + grace
        await self._stop([r for r in self.records if r.kind != "sidecar"], grace)
        left = max(until - self._around.clock.monotonic(), 0.0)
        await self._stop([r for r in self.records if r.kind == "sidecar"], left)

    async def _stop(self, records: list[Record], grace: float) -> None:
        if self._hurry.grace is not None:
            grace = min(grace, self._hurry.grace)
        for record in records:
            self._stop_probing(record)
        await stop_containers(self.pod, records, grace, around=self._around, hurry=self._hurry)
        for record in records:
            if record.running:
                record.end(await self._around.runtime.wait(record.container_id))

    def _wipe(self) -> None:
        self._around.objects.unregister(self.pod.metadata.uid)
        self._volumes.wipe()

    async def _release(self) -> None:
        for record in self.records:
            self._stop_probing(record)
        await self._attempts.close(forget=self._ending.is_set())
        await self._publisher.close()
        self._around.objects.unregister(self.pod.metadata.uid)

    # --- small things ---------------------------------------------------------------------------

    def _publish(self, *, ending: bool = False) -> None:
        self._publisher.publish(
            pod_status(
                self.pod,
                self.records,
                node=self._around.node,
                conditions=self._conditions,
                started_at=self._started_at,
                now=self._around.clock.now(),
                prepared=self._prepared,
                ending=ending,
                outcome=self._outcome,
                volumes=self._volumes.report(),
            )
        )

    def _stop_probing(self, record: Record) -> None:
        prober = self._probers.pop(record.name, None)
        if prober is not None:
            prober.stop()

    def _tell_about(self, record: Record, type_: str, reason: str, message: str) -> None:
        self._around.tell(
            self.pod,
            "Warning" if type_ == "Warning" else "Normal",
            reason,
            message,
            container=record.name,
            init=record.kind != "app",
        )

    def _grace(self) -> float:
        given = self.pod.metadata.deletionGracePeriodSeconds
        return float(given) if given is not None else self._pod_grace()

    def _pod_grace(self) -> float:
        given = self.pod.spec.terminationGracePeriodSeconds
        return float(DEFAULT_GRACE if given is None else given)

    def _until_deadline(self, now: datetime) -> timedelta | None:
        seconds = self.pod.spec.activeDeadlineSeconds
        if seconds is None:
            return None
        return self._started_at + timedelta(seconds=seconds) - now


def _passed(record: Record) -> bool:
    if record.kind == "sidecar":
        return record.running and record.started
    return record.succeeded


def _sooner(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    given = [delay for delay in (one, other) if delay is not None]
    return min(given) if given else None
