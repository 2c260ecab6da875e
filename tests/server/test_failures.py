"""Whatever breaks inside: the client learns that it did, nobody learns more, the log says where."""

import asyncio
import json
from typing import Any

import pytest

from strongroom.api.clock import SystemClock
from strongroom.server.app import App
from strongroom.server.metrics import Metrics
from strongroom.server.reply import Reply, StreamReply
from strongroom.server.shutdown import Shutdown


class Broken:
    """A pipeline that fails as a foreign library might: with a value in the text."""

    def __init__(self, answer: StreamReply | None = None) -> None:
        self._answer = answer

    async def serve(self, request: Any, progress: Any) -> Reply | StreamReply:
        if self._answer is not None:
            return self._answer
        raise ValueError("canary")


def an_app(pipeline: Any) -> App:
    return App(pipeline, Metrics(), Shutdown(), SystemClock())


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": list(headers),
    }


async def never() -> Any:
    raise AssertionError("nobody should read")


async def ask(app: App, asked: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asked, never, send)
    return sent


async def test_an_internal_failure_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    start, body = await ask(an_app(Broken()), scope())
    status = json.loads(body["body"])
    assert (start["status"], status["reason"]) == (500, "InternalError")
    assert b"canary" not in body["body"]
    (record,) = caplog.records
    assert "canary" not in str(record.__dict__)
    fields: dict[str, str] = record.__dict__["fields"]
    assert fields["error"] == "ValueError"
    assert "test_failures.py" in fields["at"]


async def test_a_failure_in_the_form_that_was_asked_for() -> None:
    _, body = await ask(an_app(Broken()), scope((b"accept", b"application/yaml")))
    assert body["body"].startswith(b"apiVersion: v1\ncode: 500")
    _, body = await ask(an_app(Broken()), scope((b"accept", b"image/png")))
    assert json.loads(body["body"])["code"] == 500


async def test_a_stream_that_fails_breaks_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def chunks() -> Any:
        yield b"one"
        raise ValueError("canary")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    app = an_app(Broken(StreamReply(chunks())))
    with pytest.raises(ValueError, match="canary"):
        # uvicorn closes the connection for whatever the application raises.
        await app(scope(), receive, send)
    assert [m.get("body") for m in sent[1:]] == [b"one"]
    assert "stream broken" in caplog.text
    assert "canary" not in str([r.__dict__ for r in caplog.records])
