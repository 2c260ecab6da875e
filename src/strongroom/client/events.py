"""Recording core/v1 Events: what people read with ``kubectl get events`` and ``describe``.

The same message about the same object becomes one Event whose count rises, as upstream's recorder
does it. Recording never blocks and never fails the work that it tells of: a full queue, or a server
that stays away, drops events. Messages hold names and keys; no caller may put a value in one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from strongroom.api.clock import Clock, SystemClock
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.api.times import format_time
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client, Patch
from strongroom.client.errors import ClientFailure

_log = logging.getLogger("strongroom.client")
_QUEUED = 1000
_REMEMBERED = 4096
_MAX_MESSAGE = 1024
_TRIES = 6


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """The object that an event is about; ``fieldPath`` names a part of it."""

    kind: str
    apiVersion: str
    name: str
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    fieldPath: str = ""


def reference(obj: Object, field_path: str = "") -> ObjectReference:
    """The reference to an object as read from the server."""
    meta = obj.metadata
    return ObjectReference(
        obj.kind,
        obj.apiVersion,
        meta.name,
        meta.namespace,
        meta.uid,
        meta.resourceVersion,
        field_path,
    )


@dataclass(frozen=True, slots=True)
class _Key:
    """What makes two events the same."""

    namespace: str
    name: str
    uid: str
    field_path: str
    type: str
    reason: str
    message: str


@dataclass(slots=True)
class _Sent:
    name: str
    count: int


class EventRecorder:
    """Records events of one component on one host. ``start`` it, ``close`` it."""

    def __init__(
        self,
        client: Client,
        *,
        component: str,
        host: str = "",
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._component = component
        self._host = host
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._queue: asyncio.Queue[tuple[_Key, ObjectReference, str]] = asyncio.Queue(_QUEUED)
        self._sent: OrderedDict[_Key, _Sent] = OrderedDict()
        self._last_stamp = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send what is recorded."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109 - a limit on good manners
        """Send what is queued, for at most ``timeout`` seconds, then stop."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._queue.join(), timeout)
        except TimeoutError:
            pass  # The server is away; the events are lost, as they would be in a crash.
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def record(
        self,
        about: ObjectReference,
        type: Literal["Normal", "Warning"],  # noqa: A002 - the field's own name
        reason: str,
        message: str,
    ) -> None:
        """Note that something happened to ``about``."""
        text = message[:_MAX_MESSAGE]
        key = _Key(about.namespace, about.name, about.uid, about.fieldPath, type, reason, text)
        try:
            self._queue.put_nowait((key, about, format_time(self._clock.now())))
        except asyncio.QueueFull:
            _log.warning("event %s dropped: too many are waiting", reason)

    async def _run(self) -> None:
        while True:
            key, about, moment = await self._queue.get()
            try:
                await self._deliver(key, about, moment)
            except (StatusError, ClientFailure) as error:
                _log.warning("event %s not recorded: %s", key.reason, error)
            finally:
                self._queue.task_done()

    async def _deliver(self, key: _Key, about: ObjectReference, moment: str) -> None:
        """Send, and again while the server is away, for the time that a restart takes."""
        backoff = Backoff(initial=0.2, limit=5.0)
        for _ in range(_TRIES - 1):
            try:
                return await self._send(key, about, moment)
            except ClientFailure:
                await self._sleep(backoff.next())
        return await self._send(key, about, moment)

    async def _send(self, key: _Key, about: ObjectReference, moment: str) -> None:
        known = self._sent.get(key)
        if known is not None and await self._count(key, known, moment):
            self._sent.move_to_end(key)
            return
        name = f"{about.name}.{self._stamp():x}"
        body = self._body(name, key, about, moment)
        await self._client.request("POST", _path(key), body=msgspec.json.encode(body))
        self._sent[key] = _Sent(name, 1)
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def _stamp(self) -> int:
        """Nanoseconds since the epoch, never the same twice: it makes the event's name unique."""
        now = int(self._clock.now().timestamp() * 1e6) * 1000
        self._last_stamp = max(now, self._last_stamp + 1)
        return self._last_stamp

    async def _count(self, key: _Key, known: _Sent, moment: str) -> bool:
        """Raise the count of the stored event; False when the server has forgotten it."""
        patch = {"count": known.count + 1, "lastTimestamp": moment}
        try:
            await self._client.request(
                "PATCH",
                f"{_path(key)}/{known.name}",
                body=msgspec.json.encode(patch),
                content_type=Patch.STRATEGIC.value,
            )
        except StatusError as error:
            if error.code != 404:
                raise
            return False
        known.count += 1
        return True

    def _body(self, name: str, key: _Key, about: ObjectReference, moment: str) -> dict[str, Any]:
        involved = msgspec.to_builtins(about)
        source = {"component": self._component, "host": self._host}
        return {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": key.namespace or "default"},
            "involvedObject": {k: v for k, v in involved.items() if v},
            "reason": key.reason,
            "message": key.message,
            "source": {k: v for k, v in source.items() if v},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
            "type": key.type,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }


def _path(key: _Key) -> str:
    return f"/api/v1/namespaces/{key.namespace or 'default'}/events"
