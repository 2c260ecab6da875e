"""This server among those of its etcd: that it is there, whether it leads, whose turn it is.

One session with etcd, begun anew whenever it is lost. As long as a server is in office it does what
is to be done once for all of them (``duties.py``). Whoever cannot renew its session stops before
another begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from strongroom.server.others import Told
from strongroom.server.turns import try_again
from strongroom.storage.errors import StoreClosed, StoreError
from strongroom.storage.places import SERVERS, UP
from strongroom.telemetry import log

if TYPE_CHECKING:
    from strongroom.storage.etcd import EtcdStore
    from strongroom.storage.etcd_sessions import Session

logger = logging.getLogger("strongroom.server")

LEADER = f"{SERVERS}leader"
_TURNS = f"{SERVERS}turns/"

_AGAIN = 0.5
"""Seconds until a session is tried again."""

_LOOK = 0.05

_TOLD_EVERY = 1.0
"""Seconds between two looks at whether there is something new to tell."""

_TURN_WITHIN = 30.0
"""Seconds that a request waits for a session while etcd gives none."""


Act = Callable[[contextlib.AsyncExitStack], Coroutine[Any, Any, None]]


class Membership:
    """Takes part from ``begin`` on. ``told`` is what others are told of this server."""

    def __init__(self, store: EtcdStore, told: Callable[[], Told]) -> None:
        self._store, self._told = store, told
        self._session: Session | None = None
        self._there = asyncio.Event()
        self._leads = False
        self._tell: Callable[[bool], None] = lambda held: None

    def follow(self, tell: Callable[[bool], None]) -> None:
        """Tell whether this server leads, now and whenever that changes."""
        self._tell = tell
        tell(self._leads)

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Take part until ``stack`` ends it."""
        task = asyncio.create_task(self._run(), name="membership")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        stack.push_async_callback(end)

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of this name among all servers, and hold it.

        What is done in it is broken off when the session is lost. Raises: StatusError 500.
        """
        try:
            async with asyncio.timeout(_TURN_WITHIN):
                session = await self._present()
            async with session.hold(_TURNS + name), _as_long_as(session):
                yield
        except (TimeoutError, StoreError) as error:
            raise try_again() from error

    async def _present(self) -> Session:
        while (session := self._session) is None or session.lost.is_set():
            if session is None:
                await self._there.wait()
            else:
                await asyncio.sleep(_LOOK)
        return session

    async def _run(self) -> None:
        while True:
            try:
                session = await self._store.session()
            except StoreClosed:
                return
            except StoreError as error:
                log(logger, logging.WARNING, "no session with etcd", error)
                await asyncio.sleep(_AGAIN)
                continue
            try:
                await self._take_part(session)
            except Exception as error:  # noqa: BLE001 - without a session nobody has a turn
                log(logger, logging.WARNING, "the session with etcd has ended", error)
                await asyncio.sleep(_AGAIN)
            finally:
                self._session = None
                self._there.clear()
                await session.close()

    async def _take_part(self, session: Session) -> None:
        """Be there, and lead when it is our turn, until the session is lost."""
        shown = self._told()
        await session.show(UP + session.name, msgspec.json.encode(shown))
        telling = asyncio.create_task(self._tell_others(session, shown))
        self._session = session
        self._there.set()
        try:
            async with session.hold(LEADER):
                log(logger, logging.INFO, "this server leads")
                self._lead(True)
                await session.lost.wait()
        finally:
            telling.cancel()
            self._lead(False)

    async def _tell_others(self, session: Session, shown: Told) -> None:
        """Tell what has changed about this server."""
        while True:
            await asyncio.sleep(_TOLD_EVERY)
            now = self._told()
            if now != shown:
                with contextlib.suppress(StoreError):
                    await session.show(UP + session.name, msgspec.json.encode(now))
                    shown = now

    def _lead(self, leads: bool) -> None:
        if self._leads and not leads:
            log(logger, logging.INFO, "this server no longer leads")
        self._leads = leads
        self._tell(leads)


@contextlib.asynccontextmanager
async def _as_long_as(session: Session) -> AsyncIterator[None]:
    """Break off what is done in here when the session is lost. Raises TimeoutError then."""
    async with asyncio.timeout(None) as limit:

        async def end() -> None:
            await session.lost.wait()
            limit.reschedule(asyncio.get_running_loop().time())

        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()


class Office:
    """Does something as long as this process is in office. ``held`` may be set at any time."""

    def __init__(self, act: Act) -> None:
        """``act`` begins what the stack ends; when it fails it is tried again."""
        self._act = act
        self._held = False
        self._changed = asyncio.Event()

    def hold(self, held: bool) -> None:
        """Say whether this process is in office from now on."""
        self._held = held
        self._changed.set()

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Act whenever it is in office, until ``stack`` ends it."""
        task = asyncio.create_task(self._run(), name="office")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        stack.push_async_callback(end)

    async def _run(self) -> None:
        while True:
            await self._until(True)
            try:
                async with contextlib.AsyncExitStack() as stack:
                    acting = asyncio.create_task(self._act(stack))
                    losing = asyncio.create_task(self._until(False))
                    try:
                        await asyncio.wait({acting, losing}, return_when=asyncio.FIRST_COMPLETED)
                        if acting.done():
                            acting.result()
                            await losing
                    finally:
                        for task in (acting, losing):
                            task.cancel()
                        await asyncio.gather(acting, losing, return_exceptions=True)
            except Exception as error:  # noqa: BLE001 - it is tried again, whatever it was
                log(logger, logging.ERROR, "what is done for all servers was broken off", error)
                await asyncio.sleep(_AGAIN)

    async def _until(self, held: bool) -> None:
        while self._held is not held:
            self._changed.clear()
            if self._held is not held:
                await self._changed.wait()
