"""Connections are handed out in turns, to those that are there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from strongroom.server.handing import Giver, pair


class Taker:
    """The end of a worker: counts what it is given, and keeps it open."""

    def __init__(self) -> None:
        self.keeper, self.own = pair()
        self.keeper.setblocking(False)
        self.own.settimeout(20)
        self.taken: list[socket.socket] = []

    def take(self) -> None:
        _, received, _, _ = socket.recv_fds(self.own, 1, 1)
        self.taken.append(socket.socket(fileno=received[0]))

    def close(self) -> None:
        for sock in (self.keeper, self.own, *self.taken):
            sock.close()


class Hall:
    """Takers, and a socket that connections come to."""

    def __init__(self) -> None:
        self.takers = [Taker(), Taker()]
        self.there = [taker.keeper for taker in self.takers]
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listening.setblocking(False)
        self.giver = Giver(self.listening, lambda: self.there)
        self.clients: list[socket.socket] = []

    def connect(self, count: int) -> None:
        address = self.listening.getsockname()
        self.clients += [socket.create_connection(address) for _ in range(count)]

    async def taken_by(self, number: int, count: int) -> None:
        for _ in range(count):
            await asyncio.to_thread(self.takers[number].take)

    def close(self) -> None:
        self.giver.stop()
        for client in self.clients:
            client.close()
        for taker in self.takers:
            taker.close()


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    made = Hall()
    yield made
    made.close()


async def test_a_burst_is_shared_alike(hall: Hall) -> None:
    hall.connect(40)
    await asyncio.gather(hall.taken_by(0, 20), hall.taken_by(1, 20))
    first = hall.takers[0].taken[0]
    peer = first.getpeername()
    assert peer in {client.getsockname() for client in hall.clients}


async def test_who_has_died_is_passed_over(hall: Hall) -> None:
    hall.takers[0].own.close()
    hall.connect(6)
    await hall.taken_by(1, 6)


async def test_connections_wait_until_somebody_is_there(hall: Hall) -> None:
    there, hall.there = hall.there, []
    hall.connect(3)
    await asyncio.sleep(0.05)
    hall.there = there[1:]
    await hall.taken_by(1, 3)


async def test_after_the_stop_nothing_is_accepted(hall: Hall) -> None:
    hall.connect(1)
    await hall.taken_by(1, 1)
    address = hall.listening.getsockname()
    hall.giver.stop()
    hall.giver.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
