"""The webhook for audit events: batches, retries, overflow, the end of the server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from strongroom.server.audit import webhook
from strongroom.server.audit.batching import Batches
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.options import (
    BatchOptions,
    Mode,
    TruncateOptions,
    WebhookOptions,
)
from strongroom.server.audit.truncation import Truncating, without_bodies
from strongroom.server.audit.webhook import WebhookSink
from strongroom.server.metrics import Metrics
from strongroom.server.webhook_endpoint import read_endpoint
from tests.server.audit.test_log import Clock
from tests.server.reviewers import Reviewers, review_server

EVENT = b'{"auditID":"%d","stageTimestamp":"2026-01-01T00:00:00.000000Z"}\n'
BATCH = BatchOptions(100, 4, 0.01, False, 0.0, 0)


class Hook:
    """The webhook, and sinks that post to it."""

    def __init__(self, reviewers: Reviewers) -> None:
        self.reviewers = reviewers
        self.codes: list[int] = []
        """What is answered to the next calls; then 200."""
        self.calls = 0
        self.changed = asyncio.Condition()
        self.hang: asyncio.Event | None = None
        self.metrics = Metrics()
        reviewers.on["/audit"] = self.answer
        self.sinks: list[WebhookSink] = []

    async def answer(self, _: Any) -> web.StreamResponse:
        self.calls += 1
        async with self.changed:
            self.changed.notify_all()
        if self.hang is not None:
            await self.hang.wait()
        return web.json_response({}, status=self.codes.pop(0) if self.codes else 200)

    def sink(self, batch: BatchOptions = BATCH, mode: Mode = "batch") -> WebhookSink:
        path = self.reviewers.kubeconfig("/audit")
        options = WebhookOptions(path, mode, 0.001, batch, TruncateOptions(False, 1000, 1000))
        losses = Losses("webhook", self.metrics.audit_errors, Clock())
        overflow = Losses("buffered", self.metrics.audit_errors, Clock())
        sink = WebhookSink(options, read_endpoint(path), losses, overflow)
        self.sinks.append(sink)
        return sink

    def batches(self) -> list[list[int]]:
        """The numbers of the events of each call."""
        lists = self.reviewers.reviews("/audit")
        return [[int(event["auditID"]) for event in one["items"]] for one in lists]

    async def arrived(self, *numbers: int) -> None:
        await self.until(lambda: {*numbers} <= {n for batch in self.batches() for n in batch})

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(true)

    def lost(self, plugin: str) -> float:
        lost: float = self.metrics.audit_errors.labels(plugin)._value.get()
        return lost


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with review_server(tmp_path) as reviewers:
        hook = Hook(reviewers)
        yield hook
        if hook.hang is not None:
            hook.hang.set()
        for sink in hook.sinks:
            await sink.close()


async def test_events_arrive_in_batches_of_upstreams_form(hook: Hook) -> None:
    sink = hook.sink()
    for number in range(10):
        sink.write(EVENT % number)
    await hook.arrived(9)
    assert hook.batches() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    (request, sent), *_ = hook.reviewers.asked
    assert (sent["kind"], sent["apiVersion"]) == ("EventList", "audit.k8s.io/v1")
    assert request.headers["User-Agent"] == "kube-apiserver"


async def test_it_is_tried_again_until_it_works(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.codes = [500, 503, 429, 500, 500, 500, 500]
    sink = hook.sink()
    sink.write(EVENT % 1)
    await hook.until(lambda: hook.calls == 8)
    sink.write(EVENT % 2)
    await hook.arrived(2)
    assert hook.batches() == [[1]] * 8 + [[2]]
    assert hook.lost("webhook") == 0
    told = [record.message for record in caplog.records]
    assert told == ["audit events cannot be passed on", "audit events are passed on again"]


async def test_what_is_refused_is_given_up(hook: Hook) -> None:
    hook.codes = [413] * 5
    sink = hook.sink()
    sink.write(EVENT % 1)
    await hook.until(lambda: hook.calls == 5)
    sink.write(EVENT % 2)
    await hook.arrived(2)
    assert hook.batches() == [[1]] * 5 + [[2]]
    assert hook.lost("webhook") == 1


async def test_what_does_not_fit_is_counted(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    hook.hang = asyncio.Event()
    sink = hook.sink(replace(BATCH, buffer_size=8))
    for number in range(4):
        sink.write(EVENT % number)
    await hook.arrived(3)
    for number in range(4, 20):
        sink.write(EVENT % number)
    assert hook.lost("buffered") == 8
    assert len(caplog.records) == 1
    hook.hang.set()
    await hook.arrived(*range(12))
    assert hook.batches() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


async def test_the_end_delivers_what_is_buffered(hook: Hook) -> None:
    sink = hook.sink(replace(BATCH, max_wait=3600.0, throttle_enable=True, throttle_qps=0.001))
    for number in range(3):
        sink.write(EVENT % number)
    await asyncio.sleep(0)
    await sink.close()
    assert hook.batches() == [[0, 1, 2]]


async def test_the_end_does_not_wait_for_ever(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "GRACE", 0.05)
    hook.hang = asyncio.Event()
    sink = hook.sink()
    for number in range(6):
        sink.write(EVENT % number)
    await hook.arrived(3)
    await sink.close()
    assert hook.lost("buffered") == 6


@pytest.mark.parametrize(("mode", "goes_on"), [("blocking", True), ("blocking-strict", False)])
async def test_requests_wait_for_the_webhook(hook: Hook, mode: Mode, goes_on: bool) -> None:
    sink = hook.sink(mode=mode)
    sink.write(EVENT % 1)
    assert await sink.settle()
    assert hook.batches() == [[1]]
    hook.codes = [500] * 3
    sink.write(EVENT % 2)
    assert await sink.settle() is goes_on
    # It is delivered all the same, when the webhook is there again.
    await hook.until(lambda: hook.calls == 5)
    assert hook.batches()[-1] == [2]


async def test_batches_are_held_back() -> None:
    came: list[float] = []
    loop = asyncio.get_running_loop()

    async def deliver(batch: Any) -> None:
        came.append(loop.time())

    losses = Losses("buffered", Metrics().audit_errors, Clock())
    batches = Batches(BatchOptions(100, 1, 0.0, True, 50.0, 3), deliver, losses)
    for number in range(5):
        batches.write(EVENT % number)
    assert await batches.settle()
    # Three at once; then one each fiftieth of a second.
    assert came[4] - came[0] >= 0.039
    await batches.close(1)


async def test_batches_are_bounded_in_bytes() -> None:
    came: list[int] = []

    async def deliver(batch: Any) -> None:
        came.append(len(batch))

    losses = Losses("buffered", Metrics().audit_errors, Clock())
    batches = Batches(BatchOptions(100, 50, 0.0, False, 0, 0), deliver, losses, most=250)
    for size in (100, 100, 100, 900, 100):
        batches.write(b"x" * size)
    assert await batches.settle()
    assert came == [2, 1, 1, 1]
    await batches.close(1)


class Kept:
    """A sink that keeps what it takes."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)


def test_nobody_escapes_the_log_by_what_makes_an_event_large() -> None:
    metrics, kept = Metrics(), Kept()
    sink = Truncating(kept, 100_000, Losses("truncate", metrics.audit_errors, Clock()))
    long = "x" * 200_000
    user = {"username": long, "groups": [long] * 30, "extra": {long: [long]}}
    event = {"verb": "get", "user": user, "impersonatedUser": user, "responseObject": {"a": long}}
    annotations = {f"webhook/{number}": long for number in range(30)} | {long: "x"}
    annotations["secrets.strongroom.io/values"] = "1"
    sink.write(json.dumps(event | {"annotations": annotations}).encode() + b"\n")
    (line,) = kept.lines
    told = json.loads(line)
    assert told["verb"] == "get"
    assert told["impersonatedUser"]["username"].startswith("xxx")
    assert told["annotations"]["secrets.strongroom.io/values"] == "1"
    assert told["annotations"]["audit.k8s.io/truncated"] == "true"
    assert line.endswith(b'"}}\n')


def test_large_events_lose_their_bodies_and_then_are_lost() -> None:
    metrics, kept = Metrics(), Kept()
    sink = Truncating(kept, 300, Losses("truncate", metrics.audit_errors, Clock()))
    small = b'{"level":"Request","requestObject":{},"stageTimestamp":"t"}\n'
    sink.write(small)
    body = b"x" * 500
    sink.write(b'{"a":1,"responseObject":{"b":"%b"},"stageTimestamp":"t"}\n' % body)
    sink.write(b'{"requestObject":"%b","stageTimestamp":"t","annotations":{"k":"v"}}\n' % body)
    sink.write(b'{"requestObject":{},"userAgent":"%b"}\n' % body)
    sink.write(b'{"userAgent":"%b"}\n' % body)
    truncated = {"audit.k8s.io/truncated": "true"}
    first, *rest = kept.lines
    assert first == small
    assert [json.loads(line) for line in rest] == [
        {"a": 1, "stageTimestamp": "t", "annotations": truncated},
        {"stageTimestamp": "t", "annotations": {"k": "v"} | truncated},
    ]
    assert all(line.endswith(b'"}}\n') for line in rest)
    assert metrics.audit_errors.labels("truncate")._value.get() == 2
    assert without_bodies(small).endswith(b'"annotations":{"audit.k8s.io/truncated":"true"}}\n')
