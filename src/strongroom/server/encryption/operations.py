"""Answers EncryptionOperations: under which keys everything is stored, and has that changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError, bad_request, internal_error
from strongroom.registry.context import RequestContext
from strongroom.resources.encryptionoperation import (
    PRUNE,
    REWRAP,
    ROTATE,
    EncryptionOperation,
    EncryptionOperationStatus,
    KeyUse,
    ResourceUse,
    RewrapProgress,
)
from strongroom.server.encryption.ownkey import KMS_NAME, OwnKey
from strongroom.server.encryption.remotekey import RemoteKey
from strongroom.server.encryption.rewrap import Rewrap, Rewrapping
from strongroom.server.encryption.service import Encryption
from strongroom.server.others import servers_of
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.port import EncryptionError
from strongroom.storage.encryption.stored import KMS_V2, Stored
from strongroom.storage.rewrapping import Survey, survey, survey_history

_SETTLED = 30.0
"""Seconds after which every process has seen a new key file, which each looks at every second."""

_TOLD_WITHIN, _LOOK = 5.0, 0.1
"""Seconds in which other servers that have the same file tell of a new key in it."""

_OURS = "strongroom"
"""What the section of our own records is called for people."""


class EncryptionOperations:
    """The answers. ``own`` is None where nothing was ever stored with a key of ours."""

    def __init__(
        self,
        store: EncryptedStore,
        own: OwnKey | RemoteKey | None,
        configured: Encryption | None,
        clock: Clock,
    ) -> None:
        self._store, self._own, self._configured = store, own, configured
        self._rewrapper, self._clock = store.rewrapper(), clock
        self.rewrapping = Rewrapping(store, clock)
        self._turn = asyncio.Lock()

    async def __call__(
        self, ctx: RequestContext, operation: EncryptionOperation
    ) -> EncryptionOperation:
        """Answer. Raises StatusError 400 and 409 for what cannot be done, 500."""
        status = EncryptionOperationStatus()
        spec = operation.spec
        seen: tuple[Survey, Survey] | None = None
        async with self._turn:
            try:
                if spec.action == ROTATE:
                    status.newKeyID = await self._rotate(ctx)
                elif spec.action == REWRAP:
                    await self._rewrap(ctx, spec.rate)
                # Read before the values are looked at: a rewrap told as done has left none behind.
                status.rewrap = _progress(await self.rewrapping.state())
                if spec.action == PRUNE:
                    status.pruned, seen = await self._prune(ctx, spec.keyIDs)
                await self._tell(status, *(seen or await self._surveys()))
            except EncryptionError as error:
                raise internal_error(str(error)) from error
        operation.status = status
        return operation

    def _ring_of(self, otherwise: str) -> OwnKey:
        """Our own keys. Raises StatusError 400, which says what to do ``otherwise``."""
        if self._configured is not None or self._own is None:
            raise bad_request(f"the keys are those of an EncryptionConfiguration: {otherwise}")
        if isinstance(self._own, RemoteKey):
            raise bad_request(self._own.source.advice)
        return self._own

    async def _rotate(self, ctx: RequestContext) -> str:
        own = self._ring_of("put the new key first in that file, then rewrap")
        await self._check_that_files_agree(own)
        if ctx.dry_run:
            return ""
        made = await asyncio.to_thread(own.rotate)
        for url in await self._without(made, _TOLD_WITHIN):
            ctx.tell(
                f"{url} does not have the new key: copy {own.ring.path} there now, or it reads "
                "nothing that is written from now on"
            )
        return made

    async def _rewrap(self, ctx: RequestContext, rate: int) -> None:
        if self._configured is None and isinstance(self._own, OwnKey):
            # What is stored anew, others could not read any more: all of it, that would be.
            await self._check_that_files_agree(self._own)
        if not ctx.dry_run:
            await self.rewrapping.ask(rate)

    async def _check_that_files_agree(self, own: OwnKey) -> None:
        """Raises StatusError 409 when servers have copies of the key file, and they differ."""
        with contextlib.suppress(EncryptionError):
            # Another server may have changed the file that both have a moment ago.
            await asyncio.to_thread(own.ring.reload)
        for one in await servers_of(self._store):
            if one.keys and one.keys[0] not in own.ring.ids:
                raise _conflict(
                    f"{one.url} encrypts with the key {one.keys[0]}, which is not here: copy its "
                    f"key file to {own.ring.path} first"
                )
        for url in await self._without(own.ring.status()):
            raise _conflict(
                f"{url} does not have the key that encrypts, and writes with another: copy "
                f"{own.ring.path} there first"
            )

    async def _without(self, key_id: str, within: float = 0.0) -> list[str]:
        """The servers of this store that do not have a key, so many seconds later. As `_tell`."""
        end = asyncio.get_running_loop().time() + within
        while True:
            servers = await servers_of(self._store)
            missing = [one.url for one in servers if one.keys and key_id not in one.keys]
            if not missing or asyncio.get_running_loop().time() >= end:
                return missing
            await asyncio.sleep(_LOOK)

    async def _prune(
        self, ctx: RequestContext, asked: list[str]
    ) -> tuple[list[str], tuple[Survey, Survey]]:
        """Forget the keys asked for, or all that nothing is stored under; those, and what is."""
        own = self._ring_of("take old ones out of that file when status shows nothing under them")
        old = [key_id for key_id in own.ring.ids if key_id != own.ring.status()]
        for key_id in asked:
            if key_id not in own.ring.ids:
                raise bad_request(f"there is no key {key_id!r}")
            if key_id not in old:
                raise _conflict(f"{key_id} is the key that encrypts: rotate first")
        await self._check_that_files_agree(own)
        wait = _SETTLED - own.age(self._clock.now())
        if old and wait > 0:
            raise _conflict(
                "the keys were changed a moment ago, and not every process of the server may know "
                f"it: try again in {wait:.0f} s"
            )
        now, before = await self._surveys()
        used = _by_way(now) | _by_way(before)
        in_use = [key_id for key_id in asked or old if _of_ours(key_id) in used]
        if asked and in_use:
            raise _conflict(_why(in_use[0], _by_way(now)[_of_ours(in_use[0])]))
        unused = [key_id for key_id in asked or old if key_id not in in_use]
        if unused and not ctx.dry_run:
            await asyncio.to_thread(own.ring.prune, unused)
        return unused, (now, before)

    async def _surveys(self) -> tuple[Survey, Survey]:
        """How values are stored now, and all that the kept history holds."""
        return await survey(self._store.stored), await survey_history(self._store.stored)

    async def _tell(self, status: EncryptionOperationStatus, now: Survey, before: Survey) -> None:
        objects, history = _by_way(now), _by_way(before)
        writes = await self._rewrapper.writes({section for section, _ in now.tally})
        status.provider = self._provider()
        ways = dict.fromkeys([*sorted(writes, key=str), *self._held(), *sorted(objects, key=str)])
        for way in dict.fromkeys([*ways, *sorted(history, key=str)]):
            sample = now.samples.get(way) or before.samples.get(way)
            held = way in writes or way in self._held()
            if sample is not None:
                held = await self._rewrapper.readable(sample)
            status.keys.append(
                KeyUse(
                    scheme=way.scheme,
                    name=way.name,
                    keyID=way.key_id,
                    writes=way in writes,
                    held=held,
                    objects=objects[way],
                    history=history[way],
                )
            )
        for (section, way), count in sorted(now.tally.items(), key=lambda item: str(item[0])):
            status.resources.append(
                ResourceUse(
                    resource=section or _OURS,
                    scheme=way.scheme,
                    name=way.name,
                    keyID=way.key_id,
                    objects=count,
                )
            )

    def _provider(self) -> str:
        if self._configured is not None:
            return f"EncryptionConfiguration {self._configured.path}"
        if isinstance(self._own, RemoteKey):
            return f"kms v2 {KMS_NAME}, {self._own.source}"
        return f"kms v2 {KMS_NAME}"

    def _held(self) -> Iterable[Stored]:
        if not isinstance(self._own, OwnKey):
            return []
        return [_of_ours(key_id) for key_id in self._own.ring.ids]


def _of_ours(key_id: str) -> Stored:
    return Stored(KMS_V2, KMS_NAME, key_id)


def _by_way(found: Survey) -> Counter[Stored]:
    ways: Counter[Stored] = Counter()
    for (_, way), count in found.tally.items():
        ways[way] += count
    return ways


def _why(key_id: str, objects: int) -> str:
    if objects:
        return f"{objects} values are stored under key {key_id}: rewrap first"
    return (
        f"the history that is kept holds values under key {key_id}: try again after the next "
        "compaction (--compaction-interval)"
    )


def _conflict(message: str) -> StatusError:
    return StatusError(409, "Conflict", message)


def _progress(state: Rewrap) -> RewrapProgress:
    return RewrapProgress(
        phase=state.phase,
        startedAt=state.started,
        endedAt=state.ended,
        seen=state.seen,
        rewritten=state.rewritten,
        failed=state.failed,
        failures=list(state.failures),
    )
