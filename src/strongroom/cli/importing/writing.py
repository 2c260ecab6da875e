"""Puts objects into the cluster that they are imported into: each is there afterwards, or told of.

What is there already and is the same stays as it is, so that an interrupted import is run again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from enum import Enum
from typing import Any

from msgspec.structs import replace

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.cli.importing.kinds import Wanted, cleaned, same
from strongroom.cli.importing.origins import Come, Origin
from strongroom.cli.importing.telling import Result, Tally
from strongroom.client.client import Client
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.resource import Resource

AT_ONCE = 8
"""Objects that are on their way to the server at a time."""

_LONGEST = 240
"""Letters of a name that leave room for some more."""


class DryRun(Enum):
    """What is not done: nothing is stored, or nothing is even sent."""

    NONE = "none"
    SERVER = "server"
    CLIENT = "client"


class Conflict(Enum):
    """What becomes of an object that is there already and says something else."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


class Writer:
    """Writes into one cluster. What happens is counted in ``tally``."""

    def __init__(self, client: Client, origin: Origin, dry_run: DryRun, conflict: Conflict) -> None:
        self._client, self._origin = client, origin
        self._dry_run, self._conflict = dry_run, conflict
        self._namespaces: dict[str, asyncio.Task[bool]] = {}
        self._seats = asyncio.Semaphore(AT_ONCE)
        self.tally = Tally()

    async def write(self, batch: Sequence[Come], wanted: Wanted) -> None:
        """Write what is wanted of a batch. Raises Unreachable."""
        await asyncio.gather(*(self._take(each, wanted) for each in batch))

    async def _take(self, each: Come, wanted: Wanted) -> None:
        reason = wanted.left_namespace(each.namespace)
        if each.obj is None and not reason:
            self.tally.failed(each, each.problem)
            return
        if each.obj is None or (reason := reason or wanted.left_out(each.resource, each.obj)):
            self.tally.left_out[reason] += 1
            return
        if (each.obj.metadata.namespace, each.obj.metadata.name) != (each.namespace, each.name):
            # It would go where nobody wanted it.
            self.tally.failed(each, "what is found there says that it is another object")
            return
        made = cleaned(each.resource, each.obj)
        async with self._seats:
            try:
                result = await self._put(each.resource, made.obj)
            except StatusError as error:
                self.tally.failed(each, error.message)
                return
        if result is Result.CONFLICT:
            self.tally.failed(each, "is there already and says something else (--on-conflict)")
            return
        self.tally.count(each, result)
        for what in made.lost:
            self.tally.lost[what].append(str(each))

    async def _put(self, resource: Resource[Any], obj: Object) -> Result:
        there = await self._find(resource, obj)
        if there is None:
            if await self._has_place(obj):
                return await self._create(resource, obj)
            return Result.IMPORTED
        if same(resource, there, obj):
            return Result.UNCHANGED
        if self._conflict is Conflict.SKIP:
            return Result.SKIPPED
        if self._conflict is Conflict.FAIL:
            return Result.CONFLICT
        await self._replace(resource, there, obj)
        return Result.REPLACED

    async def _find(self, resource: Resource[Any], obj: Object) -> Object | None:
        meta = obj.metadata
        try:
            found: Object = await self._client.get(resource, meta.name, meta.namespace)
        except StatusError as error:
            if error.code == 404:
                return None
            raise
        return found

    async def _create(self, resource: Resource[Any], obj: Object) -> Result:
        """Make it. Somebody may have made it a moment ago, which is told as a conflict."""
        if self._dry_run is not DryRun.CLIENT:
            on_trial = self._dry_run is DryRun.SERVER
            await self._client.create(resource, obj, dry_run=on_trial)
        return Result.IMPORTED

    async def _replace(self, resource: Resource[Any], there: Object, obj: Object) -> None:
        """Have it say what is wanted: an object whose type or immutability forbids that is made
        anew. Labels and annotations that it has beside those that are wanted stay."""
        if self._dry_run is DryRun.CLIENT:
            return
        on_trial = self._dry_run is DryRun.SERVER
        meta = there.metadata
        fixed = getattr(there, "immutable", None) or _kind_of(there) != _kind_of(obj)
        if fixed:
            await self._make_anew(resource, there, obj, on_trial=on_trial)
            return
        obj.metadata.labels = {**meta.labels, **obj.metadata.labels}
        obj.metadata.annotations = {**meta.annotations, **obj.metadata.annotations}
        obj.metadata.resourceVersion = meta.resourceVersion
        await self._client.update(resource, obj, dry_run=on_trial)

    async def _make_anew(
        self, resource: Resource[Any], there: Object, obj: Object, *, on_trial: bool
    ) -> None:
        """Delete what is there, and make the other. Where the server does not take that, what was
        there stays, or is made anew itself."""
        meta = there.metadata
        # Under a name that is free, since this one is not yet.
        name = f"{meta.name[:_LONGEST]}-{secrets.token_hex(4)}"
        trial = replace(obj, metadata=replace(obj.metadata, name=name))
        await self._client.create(resource, trial, dry_run=True)
        await self._client.delete(
            resource, meta.name, meta.namespace, uid=meta.uid, dry_run=on_trial
        )
        if on_trial:
            return
        try:
            await self._client.create(resource, obj)
        except StatusError:
            await self._client.create(resource, cleaned(resource, there).obj)
            raise

    async def _has_place(self, obj: Object) -> bool:
        """See to it that its namespace is there; False where that is only on trial."""
        name = obj.metadata.namespace
        if not name:
            return True
        if name not in self._namespaces:
            self._namespaces[name] = asyncio.create_task(self._make_namespace(name))
        return await asyncio.shield(self._namespaces[name])

    async def _make_namespace(self, name: str) -> bool:
        if await self._find(NAMESPACES, _namespace(name)) is not None:
            return True
        there = await self._origin.namespace(name)
        made = _namespace(name) if there is None else cleaned(NAMESPACES, there).obj
        await self._create(NAMESPACES, made)
        self.tally.namespaces.append(name)
        return self._dry_run is DryRun.NONE


def _namespace(name: str) -> Namespace:
    made = Namespace()
    made.metadata.name = name
    return made


def _kind_of(obj: Object) -> object:
    """What cannot be changed: the type of a Secret, the role of a binding."""
    return getattr(obj, "type", None) or getattr(obj, "roleRef", None)
