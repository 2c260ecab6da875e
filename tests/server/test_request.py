"""Reading a request's body: as it comes, in any compression."""

import asyncio
import gzip

import pytest

from strongroom.api.errors import StatusError
from strongroom.server.request import MAX_BODY, Body, ClientGone, Request


def no_wish() -> None:
    """Nothing stands in the way of the body."""


async def _plain(body: bytes) -> bytes:
    incoming = Body(no_wish)
    incoming.feed(body)
    incoming.end()
    return await Request("POST", b"/", b"", {"content-encoding": "gzip"}, incoming).body()


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
        (gzip.compress(b"abc", mtime=0)[:-4], 400),
        (gzip.compress(b"abc", mtime=0) + b"rest", 400),
        (gzip.compress(b"", mtime=0) * 10_000, 400),
        (gzip.compress(bytes(MAX_BODY + 1), mtime=0), 413),
        (gzip.compress(bytes(MAX_BODY), mtime=0) + gzip.compress(b"x", mtime=0), 413),
    ],
)
async def test_gzip_bombs_and_rubbish_are_refused(body: bytes, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        await _plain(body)
    assert caught.value.code == code


async def test_a_body_is_wanted_once_and_read_when_it_has_come() -> None:
    wishes = []
    incoming = Body(lambda: wishes.append(1))
    request = Request("POST", b"/", b"", {}, incoming)
    incoming.feed(b"ab")
    reading = asyncio.create_task(request.body())
    await asyncio.sleep(0)
    assert (wishes, reading.done()) == ([1], False)
    incoming.feed(b"c")
    incoming.end()
    assert await reading == await request.body() == b"abc"


async def test_a_body_that_breaks_off_is_no_body() -> None:
    incoming = Body(no_wish)
    reading = asyncio.create_task(Request("POST", b"/", b"", {}, incoming).body())
    await asyncio.sleep(0)
    incoming.feed(b"{}")
    incoming.break_off()
    with pytest.raises(ClientGone):
        await reading


async def test_a_body_that_is_too_large_is_refused_before_its_end() -> None:
    incoming = Body(no_wish)
    reading = asyncio.create_task(Request("POST", b"/", b"", {}, incoming).body())
    await asyncio.sleep(0)
    incoming.feed(bytes(MAX_BODY))
    await asyncio.sleep(0)
    assert not reading.done()
    incoming.feed(b"x")
    with pytest.raises(StatusError) as caught:
        await reading
    assert caught.value.code == 413
