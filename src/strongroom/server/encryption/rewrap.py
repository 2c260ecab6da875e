"""Storing everything anew under the present keys, at a rate, over restarts.

What is asked for and how far it has come is in the store, beside the objects: whoever leads goes on
with it. A pass over all values that finds nothing to do is the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.times import format_time
from strongroom.resources.encryptionoperation import DONE, IDLE, RUNNING
from strongroom.server.maintenance import keep_doing
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.errors import KeyExists, RevisionConflict, Undecryptable
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.encryption")

STATE = "/strongroom/encryption/rewrap"
_TURN = 1.0
_SETTLED = 1.0
"""Seconds after which no write is under way any more that began before."""
_PAUSE = 0.25
_AT_ONCE = 200
_MOST_TOLD = 20


class Rewrap(msgspec.Struct, frozen=True):
    """How far it has come. ``changed`` is what the present pass has stored anew so far."""

    phase: str = IDLE
    rate: int = 0
    started: str = ""
    ended: str = ""
    start: str = ""
    changed: int = 0
    seen: int = 0
    rewritten: int = 0
    failed: int = 0
    failures: list[str] = []


class Rewrapping:
    """Asks for it from any process; does it in the one that leads."""

    def __init__(self, store: EncryptedStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._work = store.rewrapper()
        self._settled_from = self._pass_from = float("-inf")

    async def state(self) -> Rewrap:
        """What was asked for last. Raises StoreError."""
        return (await self._read())[0]

    async def ask(self, rate: int) -> Rewrap:
        """Begin, or go on at another rate if it is under way. Raises StoreError."""
        while True:
            now, revision = await self._read()
            if now.phase == RUNNING:
                new = msgspec.structs.replace(now, rate=rate)
            else:
                new = Rewrap(RUNNING, rate, started=format_time(self._clock.now()))
            if await self._write(new, revision):
                return new

    def lead(self, stack: contextlib.AsyncExitStack) -> None:
        """Do what is asked for, until ``stack`` ends it."""
        keep_doing(_TURN, self.turn, stack)

    async def turn(self) -> None:
        """Do what is asked for, to its end. Raises StoreError."""
        self._settled_from = self._clock.monotonic() + _SETTLED
        self._pass_from = float("-inf")
        while (await self._read())[0].phase == RUNNING:
            await self._step()

    async def _step(self) -> None:
        state, revision = await self._read()
        begun = self._clock.monotonic()
        if not state.start:
            self._pass_from = begun
        step = await self._work.step(state.start, min(state.rate or _AT_ONCE, _AT_ONCE))
        changed = state.changed + step.rewritten
        new = msgspec.structs.replace(
            state,
            start=step.start,
            changed=changed if step.start else 0,
            seen=state.seen + step.seen,
            rewritten=state.rewritten + step.rewritten,
            failed=state.failed + len(step.failed),
            failures=[*state.failures, *step.failed][:_MOST_TOLD],
        )
        if not step.start:
            new = await self._pass_ended(new, changed)
        # Where somebody asked for another rate meanwhile, the values of this step are looked at
        # again, which does them no harm.
        await self._write(new, revision)
        if state.rate and step.rewritten:
            await asyncio.sleep(max(0.0, step.rewritten / state.rate - self._took(begun)))

    async def _pass_ended(self, state: Rewrap, changed: int) -> Rewrap:
        if changed or self._pass_from < self._settled_from:
            # Until a moment ago others may have written with the old key, or have sealed with it
            # what they write only now: once more.
            await asyncio.sleep(0 if changed else _PAUSE)
            return msgspec.structs.replace(state, seen=0, failed=0, failures=[])
        log(logger, logging.INFO, "all values are stored anew", rewritten=state.rewritten)
        return msgspec.structs.replace(state, phase=DONE, ended=format_time(self._clock.now()))

    def _took(self, begun: float) -> float:
        return self._clock.monotonic() - begun

    async def _read(self) -> tuple[Rewrap, int]:
        try:
            found = await self._store.get(STATE)
        except Undecryptable as error:
            return Rewrap(), error.mod_revision
        if found is None:
            return Rewrap(), 0
        return msgspec.json.decode(found.value, type=Rewrap), found.mod_revision

    async def _write(self, state: Rewrap, revision: int) -> bool:
        """Whether nobody else wrote it meanwhile."""
        value = msgspec.json.encode(state)
        try:
            if revision:
                await self._store.update(STATE, value, expected=revision)
            else:
                await self._store.create(STATE, value)
        except (KeyExists, RevisionConflict):
            return False
        return True
