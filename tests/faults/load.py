"""Concurrent conditional writers, readers and watchers of stores, all of it kept in a history."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from itertools import count
from random import Random

from strongroom.storage.errors import StoreClosed, StoreUnavailable
from tests.faults.checker import check, check_state
from tests.faults.history import (
    Change,
    History,
    Loaded,
    Outcome,
    Recorded,
    Told,
    Watched,
    change_of,
)

PATIENCE = 60
"""Seconds in which what must happen happens, on the slowest machine."""


_numbers = count(1)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something. Raises TimeoutError with a text that names it."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - of other processes too, which set no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"{what} within {PATIENCE} s") from None


class Load:
    """Writers on keys that they all share, and a watch for each store. Start it with a loop."""

    def __init__(
        self,
        stores: Sequence[Loaded],
        history: History | None = None,
        *,
        writers: int = 2,
        pause: float = 0.01,
        size: int = 0,
        reading: bool = True,
        below: str = "/registry/secrets/",
    ) -> None:
        self.history = history or History()
        self._pause, self._padding = pause, "." * size
        self._over, self._reading = False, reading
        self.failures = 0
        # A cluster may have seen other loads before.
        self.prefix = f"{below}faults-{next(_numbers)}."
        self._keys = [f"{self.prefix}{name}" for name in "abcde"]
        self._begun = stores[0].current_revision
        names = [f"{number}.{writer}" for number in range(len(stores)) for writer in range(writers)]
        self._clients = [
            Recorded(stores[int(name.split(".")[0])], self.history, name) for name in names
        ]
        self._writers = [asyncio.create_task(self._write(client)) for client in self._clients]
        self._watches = [
            (store.watch(self.prefix, after=self._begun), Watched(self.prefix, self._begun))
            for store in stores
        ]
        self._watchers = [asyncio.create_task(self._follow(*watch)) for watch in self._watches]

    async def progress(self, writes: int = 5, *, store: int | None = None) -> None:
        """Wait until every client, or each of one store, has so many more writes acknowledged."""
        goals = [
            (client, client.acknowledged + writes)
            for client in self._clients
            if store is None or client.name.startswith(f"{store}.")
        ]
        await until(
            lambda: all(client.acknowledged >= goal for client, goal in goals),
            f"every client has {writes} writes acknowledged",
        )

    async def fail(self, writes: int = 5) -> None:
        """Wait until so many more writes have failed."""
        goal = self.failures + writes
        await until(lambda: self.failures >= goal, f"{writes} writes fail")

    async def stop(self) -> None:
        """No more operations; those under way end."""
        self._over = True
        await asyncio.gather(*self._writers)

    async def judge(self, witness: Loaded) -> list[Change]:
        """Hold everything against what a store tells that no client has used; its account.

        Raises: `Violation`.
        """
        # One more write, which all watches are to see.
        made = await Recorded(witness, self.history, "witness").create(f"{self.prefix}end", "end")
        assert made is not None
        last = made
        changes = await account(witness, self.prefix, self._begun, last)
        await until(
            lambda: all(watch.progress >= last for watch, _ in self._watches),
            f"every watch has come to {last}",
        )
        for watch, watched in self._watches:
            watched.through = watch.progress
            self.history.watches.append(watched)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        check(self.history, changes)
        found = {
            kv.key: (kv.mod_revision, kv.value.decode())
            for kv in (await witness.list(self.prefix)).items
        }
        check_state(found, changes, self.prefix)
        assert self.history.count(Outcome.REFUSED), "the writers never met"
        return changes

    async def _write(self, client: Recorded) -> None:
        # No other write has its value, be it of another process.
        name, random = f"{client.name}-{os.urandom(4).hex()}", Random()
        known: dict[str, int | None] = {}
        turn = 0
        while not self._over:
            turn += 1
            key = random.choice(self._keys)
            if not self._reading:
                # Where nothing is ever read, keys are the writer's own.
                key = f"{self.prefix}{name}-{turn // 4}"
                known = {key: known.get(key, 0)}
            try:
                await self._read(random, client, key, known)
                known[key] = await self._change(random, client, key, known[key], f"{name}-{turn}")
            except StoreUnavailable:
                self.failures += 1
                known.clear()
                await asyncio.sleep(0.02)
            await asyncio.sleep(random.uniform(0, 2 * self._pause))

    async def _read(
        self, random: Random, client: Recorded, key: str, known: dict[str, int | None]
    ) -> None:
        if self._reading and random.random() < 0.1:
            await client.list(self.prefix)
        if known.get(key) is None or (self._reading and random.random() < 0.2):
            known[key] = await client.get(key)

    async def _change(
        self, random: Random, client: Recorded, key: str, standing: int | None, value: str
    ) -> int | None:
        if not standing:
            return await client.create(key, value + self._padding)
        if random.random() < 0.2:
            return await client.delete(key, standing)
        return await client.update(key, value + self._padding, standing)

    async def _follow(self, watch: Told, watched: Watched) -> None:
        with contextlib.suppress(StoreClosed):
            async for batch in watch:
                watched.seen += map(change_of, batch)


async def account(store: Loaded, prefix: str, after: int, upto: int) -> list[Change]:
    """All that a store says has happened below a prefix."""
    watch = store.watch(prefix, after=after)
    changes: list[Change] = []
    while watch.progress < upto:
        changes += map(change_of, await anext(watch))
    await watch.close()
    return changes
