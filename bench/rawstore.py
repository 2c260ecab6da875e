"""What disk and etcd do on their own: the limits beside which our durable creates are told."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.load import Outcome
from strongroom.storage import etcd_messages as m
from strongroom.storage.encryption.wire import field

_PUT = "/etcdserverpb.KV/Put"


def flushes(directory: Path, size: int, group: int, seconds: float) -> float:
    """Records per second: ``group`` of them of ``size`` bytes are appended, then flushed to disk.

    The file has its room already, as a write-ahead log has after its first round.
    """
    path, data, room = directory / "raw", os.urandom(size * group), 64 << 20
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        os.write(descriptor, bytes(room))
        os.fsync(descriptor)
        at, done, began = 0, 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            os.pwrite(descriptor, data, at)
            os.fdatasync(descriptor)
            at = (at + len(data)) % (room - len(data))
            done += group
        return done / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()


async def puts(url: str, size: int, writers: int, seconds: float) -> Outcome:
    """Plain puts of ``size`` bytes by ``writers`` at once, to one member of etcd."""
    import grpc.aio

    value, numbers = os.urandom(size), itertools.count()
    async with grpc.aio.insecure_channel(url.removeprefix("http://")) as channel:
        put: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PUT)

        async def once() -> None:
            key = m.key_bytes(f"/raw/{writers}/{next(numbers):08}")
            await put(field(1, key) + field(2, value))

        return await together(once, writers, seconds)


async def together(once: Callable[[], Awaitable[None]], writers: int, seconds: float) -> Outcome:
    """So many do a thing again and again, each when it is done with the one before."""
    outcome = Outcome(0.0)
    began, cpu = time.perf_counter(), time.process_time()

    async def keep_on() -> None:
        while (at := time.perf_counter()) < began + seconds or not outcome.latencies:
            await once()
            outcome.latencies.append(time.perf_counter() - at)

    await asyncio.gather(*(keep_on() for _ in range(writers)))
    outcome.ended = time.perf_counter()
    outcome.seconds = outcome.ended - began
    outcome.own_cpu = time.process_time() - cpu
    return outcome
