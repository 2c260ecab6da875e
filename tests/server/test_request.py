"""Reading a request: headers of any number, bodies of any compression."""

import gzip

import pytest

from strongroom.api.clock import SystemClock
from strongroom.api.errors import StatusError
from strongroom.server.request import MAX_BODY, Request


def _request(body: bytes, *headers: tuple[bytes, bytes]) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"method": "POST", "path": "/", "headers": list(headers)}
    return Request(scope, receive, SystemClock().now(), "id")


def test_repeated_headers_are_joined_in_their_order() -> None:
    request = _request(b"", (b"a", b"1"), (b"b", b"x"), (b"a", b"2"), (b"a", b"3"))
    assert request.headers == {"a": "1, 2, 3", "b": "x"}


async def _plain(body: bytes) -> bytes:
    return await _request(body, (b"content-encoding", b"gzip")).body()


async def test_gzip_may_come_in_members() -> None:
    assert await _plain(gzip.compress(b"abc")) == b"abc"
    assert await _plain(gzip.compress(b"abc") + gzip.compress(b"def")) == b"abcdef"
    assert await _plain(gzip.compress(b"")) == b""
    assert len(await _plain(gzip.compress(bytes(MAX_BODY)))) == MAX_BODY


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"{}", 400),
        (gzip.compress(b"abc")[:-4], 400),
        (gzip.compress(b"abc") + b"rest", 400),
        (gzip.compress(b"") * 10_000, 400),
        (gzip.compress(bytes(MAX_BODY + 1)), 413),
        (gzip.compress(bytes(MAX_BODY)) + gzip.compress(b"x"), 413),
    ],
)
async def test_gzip_bombs_and_rubbish_are_refused(body: bytes, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        await _plain(body)
    assert caught.value.code == code
