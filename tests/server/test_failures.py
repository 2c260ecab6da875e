"""Whatever breaks inside: the client learns that it did, nobody learns more, the log says where."""

import asyncio
import json
from typing import Any

import pytest

from strongroom.api.clock import SystemClock
from strongroom.server.app import App
from strongroom.server.audit.record import Audit
from strongroom.server.exchange import Exchange
from strongroom.server.metrics import Metrics
from strongroom.server.reply import Reply, StreamReply
from strongroom.server.request import Request
from strongroom.server.shutdown import Shutdown


class Broken:
    """A pipeline that fails as a foreign library might: with a value in the text."""

    def __init__(self, answer: Reply | StreamReply | None = None) -> None:
        self._answer = answer

    async def serve(self, request: Any, progress: Any) -> Reply | StreamReply:
        if self._answer is not None:
            return self._answer
        raise ValueError("canary")


def an_app(pipeline: Any) -> App:
    return App(pipeline, Metrics(), Shutdown(), SystemClock())


class Kept:
    """A sink that keeps its lines."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def write(self, line: bytes) -> None:
        self._lines.append(line)


class Wire:
    """A connection that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.broken = self.done = False

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.broken = True

    def answered(self, request: Request) -> None:
        self.done = True

    def abandoned(self) -> None:
        raise AssertionError("it came whole")


async def ask(app: App, **headers: str) -> Wire:
    wire = Wire()
    exchange = Exchange(wire, wire, asyncio.get_running_loop())  # type: ignore[arg-type]  # the parts that count
    exchange.request = Request("GET", b"/x", b"", headers)
    await app.serve(exchange.request, exchange)
    return wire


async def test_an_internal_failure_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    wire = await ask(an_app(Broken()))
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["reason"] == "InternalError"
    assert b"canary" not in wire.written
    assert wire.done
    (record,) = caplog.records
    assert "canary" not in str(record.__dict__)
    fields: dict[str, str] = record.__dict__["fields"]
    assert fields["error"] == "ValueError"
    assert "test_failures.py" in fields["at"]


async def test_a_failure_in_the_form_that_was_asked_for() -> None:
    wire = await ask(an_app(Broken()), accept="application/yaml")
    assert b"\r\n\r\napiVersion: v1\ncode: 500" in wire.written
    wire = await ask(an_app(Broken()), accept="image/png")
    assert json.loads(wire.written.partition(b"\r\n\r\n")[2])["code"] == 500


async def test_a_stream_that_fails_breaks_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def chunks() -> Any:
        yield b"one"
        raise ValueError("canary")

    wire = await ask(an_app(Broken(StreamReply(chunks()))))
    assert wire.written.endswith(b"\r\n\r\n3\r\none\r\n")
    assert (wire.broken, wire.done) == (True, False)
    assert "stream broken" in caplog.text
    assert "canary" not in str([r.__dict__ for r in caplog.records])


async def test_what_was_served_is_on_record_though_its_answer_cannot_be_sent() -> None:
    lines: list[bytes] = []
    audit = Audit(Kept(lines), SystemClock())

    class Served(Broken):
        async def serve(self, request: Any, progress: Any) -> Reply | StreamReply:
            progress.record = audit.begin(request, None, None)
            return await super().serve(request, progress)

    await ask(an_app(Served(Reply(b"value", headers=[(b"x", b"a\nb")]))))
    (line,) = lines
    assert (json.loads(line)["stage"], json.loads(line)["responseStatus"]["code"]) == ("Panic", 500)


async def test_a_header_cannot_begin_another_line(caplog: pytest.LogCaptureFixture) -> None:
    wire = await ask(an_app(Broken(Reply(headers=[(b"x", b"a\r\nset-cookie: b")]))))
    assert (wire.written, wire.broken) == (b"", True)
    assert "answer broken off" in caplog.text
