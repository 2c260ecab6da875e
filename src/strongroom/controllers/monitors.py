"""Follows the metadata of all objects of all kinds, however kinds come and go.

One watch a kind, shared by the controllers that want to know who is there: values never get here.
Which kinds there are is asked again when a CustomResourceDefinition or an APIService changes, and
every half minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from strongroom.api.errors import StatusError
from strongroom.client.backoff import Sleep
from strongroom.client.client import Client
from strongroom.client.discovery import Kind, Served, discover
from strongroom.client.errors import ClientFailure
from strongroom.client.informer import Change, Follower
from strongroom.client.metadata import MetadataCollection, Partial

INTERVAL = 30.0
"""Seconds between two looks at what is served, when nothing tells of a change."""
GATHER = 0.05
"""Seconds in which changes of definitions are taken together."""
PATIENCE = 30.0
"""Seconds to wait for a kind that cannot be listed (upstream's ``initialSyncTimeout``)."""
IGNORED = frozenset({("", "events"), ("events.k8s.io", "events")})
"""Events own nothing and are owned by nobody, there are many of them, and they expire."""
_DEFINING = frozenset(
    {
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("apiregistration.k8s.io", "apiservices"),
    }
)

OnChange = Callable[[Kind, Change[Partial]], None]
OnLost = Callable[[list[Partial], bool], None]

_log = logging.getLogger("strongroom.controllers")


class Monitors:
    """The metadata of everything that can be listed, watched and deleted.

    ``start`` and ``close`` may be called by each of those who share it.
    """

    def __init__(self, client: Client, sleep: Sleep = asyncio.sleep) -> None:
        self.served = Served()
        self._client = client
        self._sleep = sleep
        self._handlers: list[OnChange] = []
        self._on_served: list[Callable[[], None]] = []
        self._on_lost: list[OnLost] = []
        self._followers: dict[Kind, Follower[Partial]] = {}
        self._given_up: set[Kind] = set()
        self._stale = asyncio.Event()
        self._known = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add_handler(self, handler: OnChange) -> None:
        """Be told of every change of every object from now on, and at once of what is there."""
        self._handlers.append(handler)
        for kind, follower in self._followers.items():
            for obj in follower.items():
                handler(kind, Change("added", obj))

    def add_lost_handler(self, handler: OnLost) -> None:
        """Be told what was last seen of a kind that is no longer followed.

        The second argument says whether the kind goes on in another version of its group, of which
        handlers are told afresh.
        """
        self._on_lost.append(handler)

    def add_served_handler(self, handler: Callable[[], None]) -> None:
        """Be told when ``served`` has changed."""
        self._on_served.append(handler)

    def start(self) -> None:
        """Begin to follow, in tasks of their own."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; may be called by each of those who share it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        followers, self._followers = self._followers, {}
        await asyncio.gather(*(follower.close() for follower in followers.values()))

    async def wait_synced(self) -> None:
        """Wait until all objects of all kinds that are known of have been seen.

        A kind that could not be listed for ``PATIENCE`` is not waited for any longer.
        """
        await self._known.wait()
        for kind, follower in list(self._followers.items()):
            if follower.synced or kind in self._given_up:
                continue
            try:
                async with asyncio.timeout(PATIENCE):
                    await follower.wait_synced()
            except TimeoutError:
                _log.warning("%s cannot be followed: going on without", kind.path())
                self._given_up.add(kind)

    def look_again(self) -> None:
        """Ask soon what is served."""
        self._stale.set()

    async def _run(self) -> None:
        while True:
            self._stale.clear()
            try:
                await self._refresh()
            except (StatusError, ClientFailure) as error:
                _log.warning("cannot ask what is served: %s", error)
            try:
                async with asyncio.timeout(INTERVAL if self._known.is_set() else 1.0):
                    await self._stale.wait()
                await self._sleep(GATHER)
            except TimeoutError:
                pass  # Time to look again anyway.

    async def _refresh(self) -> None:
        served = (await discover(self._client)).with_known(self.served)
        changed = served.kinds != self.served.kinds
        self.served = served
        wanted = {
            kind
            for kind in served.preferred("list", "watch", "delete")
            if kind.group_plural not in IGNORED
        }
        for kind in [kind for kind in self._followers if kind not in wanted]:
            await self._forget(kind)
        for kind in served.preferred():
            if kind in wanted and kind not in self._followers:
                self._follow(kind)
        self._known.set()
        if changed:
            for handler in self._on_served:
                handler()

    def _follow(self, kind: Kind) -> None:
        follower = Follower(MetadataCollection(self._client, kind.path()))
        follower.add_handler(lambda change: self._tell(kind, change))
        self._followers[kind] = follower
        follower.start()

    async def _forget(self, kind: Kind) -> None:
        follower = self._followers.pop(kind)
        await follower.close()
        moved = any(kind.group_plural == other.group_plural for other in self.served.kinds)
        for handler in self._on_lost:
            handler(follower.items(), moved)

    def _tell(self, kind: Kind, change: Change[Partial]) -> None:
        if kind.group_plural in _DEFINING:
            self.look_again()
        for handler in self._handlers:
            handler(kind, change)
