"""Who asks too much while others ask too is read from less often, and loses nothing."""

import asyncio
import ssl
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from strongroom.access.user import User
from strongroom.server import fairness as fairness_module
from strongroom.server.fairness import MIXED, TURN, Fairness, Flow
from strongroom.server.resting import BURST, Resting
from strongroom.server.urls import parse_target
from tests.server.conftest import Running, running

NODES = parse_target("GET", b"/api/v1/nodes", b"")
OWN = "/api/v1/nodes?fieldSelector=metadata.name%3Dn1"
"""What a node may ask of all that a flood can ask for: it always answers 200."""
JANE, JOE = User("jane"), User("joe")
MASTER = User("admin", groups=("system:masters",))


class Asking:
    """Users who ask at moments that the test sets."""

    def __init__(self) -> None:
        self.now = 10.0
        self.fairness = Fairness(600, now=lambda: self.now)

    def ask(self, who: User, times: int = 1) -> list[bool]:
        """Ask so often; after which of the answers the connection is to be left alone."""
        return [self.fairness.rest(self._flow(who)) is not None for _ in range(times)]

    def _flow(self, who: User) -> Flow:
        flow = self.fairness.flow(who, NODES)
        assert flow is not None
        return flow


async def test_who_asks_alone_is_never_left_alone() -> None:
    asking = Asking()
    asking.ask(JANE)
    asking.now += MIXED + TURN
    assert not any(asking.ask(JANE, 10 * BURST))


@pytest.mark.parametrize("other", [JOE, MASTER], ids=["joe", "admin"])
async def test_a_flood_is_left_alone_while_somebody_else_asks(other: User) -> None:
    asking = Asking()
    asking.fairness.flow(other, NODES)
    assert asking.ask(JANE, 3 * BURST) == [False] * BURST + [True] * 2 * BURST
    asking.now += TURN
    assert asking.ask(JANE, BURST + 1) == [False] * BURST + [True]
    asking.now += MIXED + TURN
    assert not any(asking.ask(JANE, 3 * BURST))


async def test_some_of_each_flow_go_on_in_every_turn() -> None:
    order: list[str] = []
    resting = Resting()
    for number in range(2 * BURST):
        resting.park("flood", partial(order.append, f"flood {number}"))
    resting.park("other", partial(order.append, "other"))
    await asyncio.sleep(0)
    assert order == [*(f"flood {number}" for number in range(BURST)), "other"]
    await asyncio.sleep(0)
    assert order[BURST + 1 :] == [f"flood {number}" for number in range(BURST, 2 * BURST)]


@pytest.fixture
def no_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is one after which the connection rests."""
    monkeypatch.setattr(fairness_module, "BURST", 0)
    monkeypatch.setattr(fairness_module, "MIXED", 1000.0)


async def _answers(api: Running, identity: str, sent: bytes, count: int) -> int:
    """Send all at once, and read that many answers of 200."""
    parts = urlsplit(api.server.url)
    context: ssl.SSLContext = api.context(identity)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    writer.write(sent)
    good = 0
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        good += head.startswith(b"HTTP/1.1 200")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
    writer.transport.abort()
    return good


async def test_nothing_is_lost_of_what_rests(tmp_path: Path, no_burst: None) -> None:
    line = f"GET {OWN} HTTP/1.1\r\nHost: x\r\n".encode()
    get, stop = line + b"\r\n", line + b"Connection: close\r\n\r\n"
    async with running(tmp_path) as api:
        pipelined = [_answers(api, "node", 10 * get, 10) for _ in range(10)]
        # These hang up with most of what they asked for unanswered.
        impatient = [_answers(api, "node", 10 * get, 1) for _ in range(5)]
        other = [_answers(api, "scheduler", get, 1) for _ in range(5)]
        assert sum(await asyncio.gather(*pipelined, *impatient, *other)) == 110
        for _ in range(3):
            answers = [api.ask("GET", OWN, identity=who) for who in ("node",) * 8]
            assert {answer.code for answer in await asyncio.gather(*answers)} == {200}
        assert await _answers(api, "node", get + stop, 2) == 2
