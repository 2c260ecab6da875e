"""The audit log as a file: rotation, its mode, a disk that fails."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from strongroom.access.authn.port import Credentials
from strongroom.access.user import User
from strongroom.api.errors import Status
from strongroom.server.audit.log import LogSink
from strongroom.server.audit.logfile import STDOUT, LogFile
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.record import Audit
from strongroom.server.audit.rotation import Rotation
from strongroom.server.metrics import Metrics
from strongroom.server.pipeline import Pipeline, Progress
from strongroom.server.request import Request
from strongroom.server.urls import parse_target


class Clock:
    """Each look is a second later."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return 0.0


def a_sink(path: Path, rotation: Rotation = Rotation(), **more: Any) -> LogSink:  # noqa: B008 - frozen
    losses = Losses("log", Metrics().audit_errors, Clock())
    return LogSink(LogFile(path, Clock(), rotation), losses, **more)


def a_request(path: bytes = b"/x") -> Request:
    request = Request("GET", path, b"", {"user-agent": "me"}, source="192.0.2.1")
    request.received, request.audit_id = datetime(2026, 1, 1, tzinfo=UTC), "the-id"
    return request


async def test_an_event_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    sink = a_sink(path)
    record = Audit(sink, Clock()).begin(a_request(), None, None)
    record.complete(401)
    record.complete(200)
    await asyncio.sleep(0)
    (line,) = path.read_text().splitlines()
    event = json.loads(line)
    assert (event["auditID"], event["stage"]) == ("the-id", "ResponseComplete")
    assert event["sourceIPs"] == ["192.0.2.1"]
    assert event["responseStatus"]["code"] == 401
    assert path.stat().st_mode & 0o777 == 0o600
    sink.close()


async def test_nobody_fills_the_log_with_one_request(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    sink = a_sink(path)
    long = "x" * 1_000_000
    request = a_request(f"/api/v1/namespaces/{long}/secrets/{long}".encode())
    request.headers["user-agent"] = long
    target = parse_target("GET", request.path, b"labelSelector=" + long.encode())
    record = Audit(sink, Clock()).begin(request, target, None)
    record.complete(404, Status(message=long, reason="NotFound", code=404))
    sink.close()
    (line,) = path.read_text().splitlines()
    event = json.loads(line)
    assert len(line) < 30_000
    assert event["userAgent"] == "x" * 1024 + "...TRUNCATED"
    assert event["requestURI"].startswith("/api/v1/namespaces/xxx")
    assert event["objectRef"]["name"].endswith("...TRUNCATED")


@pytest.mark.parametrize(
    ("method", "decision", "told"),
    [
        ("POST", "allow", False),
        ("DELETE", "allow", False),
        ("POST", "forbid", True),
        ("GET", "allow", True),
        ("POST", None, True),
    ],
)
async def test_what_is_said_of_a_write_is_not_told(
    tmp_path: Path, method: str, decision: str | None, told: bool
) -> None:
    path = tmp_path / "audit.log"
    sink = a_sink(path)
    request = a_request()
    request.method = method
    if decision is not None:
        request.annotate("authorization.k8s.io/decision", decision)
    record = Audit(sink, Clock()).begin(request, None, None)
    record.complete(422, Status(message='Invalid value: "its value"', reason="Invalid", code=422))
    sink.close()
    status = json.loads(path.read_text())["responseStatus"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert ("message" in status) is told


def first_bytes(directory: Path) -> list[bytes]:
    return [path.read_bytes()[:1] for path in sorted(directory.iterdir())]


async def test_rotation_keeps_the_newest(tmp_path: Path) -> None:
    sink = a_sink(tmp_path / "audit.log", Rotation(max_bytes=100, keep=2))
    for number in range(5):
        sink.write(b"%d" % number * 80 + b"\n")
        sink.flush()
    sink.close()
    assert first_bytes(tmp_path) == [b"2", b"3", b"4"]


async def test_a_full_disk_loses_events_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    losses = Losses("log", metrics.audit_errors, Clock())
    sink = LogSink(LogFile(Path("/dev/full"), Clock()), losses)
    for _ in range(5):
        sink.write(b"x\n")
        sink.write(b"y\n")
        await asyncio.sleep(0)
    sink.close()
    assert b'apiserver_audit_error_total{plugin="log"} 10.0' in metrics.render()
    assert [record.message for record in caplog.records] == ["audit events cannot be passed on"]


async def test_without_a_sink_nothing_happens() -> None:
    Audit(None, Clock()).begin(a_request(), None, None).complete(200)


@pytest.mark.parametrize("uri", [b"/\xff", b"/a%0ab"])
async def test_a_line_stays_a_line(tmp_path: Path, uri: bytes) -> None:
    path = tmp_path / "audit.log"
    sink = a_sink(path)
    Audit(sink, Clock()).begin(a_request(uri), None, None).complete(400)
    await asyncio.sleep(0)
    assert len(path.read_text().splitlines()) == 1
    sink.close()


class Breaks:
    """An authenticator that cannot tell."""

    async def authenticate(self, credentials: Credentials) -> User | None:
        raise RecursionError


async def test_who_breaks_authentication_is_on_record() -> None:
    unused = cast("Any", None)
    pipeline = Pipeline(Breaks(), Audit(None, Clock()), *(unused,) * 4)
    progress = Progress()
    with pytest.raises(RecursionError):
        await pipeline.serve(a_request(), progress)
    assert progress.record is not None


async def test_events_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    sink = a_sink(STDOUT, Rotation(max_bytes=1))
    for line in (b"one\n", b"two\n"):
        sink.write(line)
        sink.flush()
    sink.close()
    assert capfd.readouterr().out == "one\ntwo\n"
