"""What the garbage collector does to objects: always this one, by uid, and as it was looked at.

Of no object more than metadata is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.client.backoff import retry_on_conflict
from strongroom.client.client import Client, Patch
from strongroom.client.discovery import Kind
from strongroom.client.metadata import Metadata, Owner, delete_at, get_metadata, patch_at
from strongroom.controllers.controller import Again

Change = Callable[[tuple[Owner, ...]], Iterable[Owner]]


class Dependents:
    """Reads, deletes and disowns objects. Methods raise StatusError and ClientFailure."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._plain: set[tuple[str, str]] = set()
        """Kinds that know no strategic merge patch."""

    async def read(self, kind: Kind, namespace: str, name: str) -> Metadata | None:
        """The object's metadata; None when the server says that there is no such object.

        Raises Again when it says that there is no such kind: that tells nothing of the object.
        """
        try:
            return await get_metadata(self._client, kind.path(namespace, name))
        except StatusError as error:
            if _is_gone(error, name):
                return None
            if error.code == 404:
                raise Again from error
            raise

    async def delete(self, kind: Kind, seen: Metadata, policy: str) -> bool:
        """Delete the object as it was seen; False when it is gone already.

        When only things have changed that do not matter here, it is deleted all the same.
        """
        path = kind.path(seen.namespace, seen.name)
        conditions = Preconditions(uid=seen.uid, resourceVersion=seen.resourceVersion)
        try:
            await delete_at(self._client, path, _options(policy, conditions))
        except StatusError as error:
            if _is_gone(error, seen.name):
                return False
            if error.code != 409:
                raise
            now = await self.read(kind, seen.namespace, seen.name)
            if now is None or now.uid != seen.uid:
                return False
            if now.ownerReferences != seen.ownerReferences:
                raise
            await delete_at(self._client, path, _options(policy, Preconditions(uid=seen.uid)))
        return True

    async def disown(self, kind: Kind, target: Metadata, owners: set[str]) -> None:
        """Take the references to these owners (uids) off an object, if it is still that object."""
        entries: list[dict[str, Any]] = [{"$patch": "delete", "uid": uid} for uid in owners]
        await self._amend(
            kind, target, entries, lambda present: [o for o in present if o.uid not in owners]
        )

    async def unblock(self, kind: Kind, target: Metadata, owners: Iterable[Owner]) -> None:
        """Let no owner wait for this object any more."""
        entries = [
            {"uid": owner.uid, "blockOwnerDeletion": False}
            for owner in owners
            if owner.blockOwnerDeletion
        ]
        if entries:
            await self._amend(
                kind,
                target,
                entries,
                lambda present: [
                    msgspec.structs.replace(owner, blockOwnerDeletion=False) for owner in present
                ],
            )

    async def release(self, kind: Kind, target: Metadata, finalizer: str) -> None:
        """Take a finalizer off an object, if it is still that object."""

        async def attempt() -> None:
            now = await self.read(kind, target.namespace, target.name)
            present = (now.finalizers or ()) if now is not None else ()
            if now is None or now.uid != target.uid or finalizer not in present:
                return
            left = [f for f in present if f != finalizer]
            await self._patch(kind, now, {"finalizers": left}, Patch.MERGE)

        await retry_on_conflict(attempt)

    async def _amend(
        self, kind: Kind, target: Metadata, entries: list[dict[str, Any]], change: Change
    ) -> None:
        """Change owner references: by their keys where the kind can do that, else as a whole."""
        if kind.group_plural not in self._plain:
            bare = msgspec.structs.replace(target, resourceVersion="")
            try:
                await self._patch(kind, bare, {"ownerReferences": entries}, Patch.STRATEGIC)
            except StatusError as error:
                if error.code != 415:
                    if await self._still_there(kind, target, error):
                        raise
                    return
                self._plain.add(kind.group_plural)
            else:
                return

        async def attempt() -> None:
            now = await self.read(kind, target.namespace, target.name)
            if now is None or now.uid != target.uid:
                return
            owners = [_tree(owner) for owner in change(now.ownerReferences or ())]
            await self._patch(kind, now, {"ownerReferences": owners or None}, Patch.MERGE)

        await retry_on_conflict(attempt)

    async def _still_there(self, kind: Kind, target: Metadata, error: StatusError) -> bool:
        # Another uid is refused as a change of what cannot change (422).
        if error.code not in (404, 409, 422):
            return True
        now = await self.read(kind, target.namespace, target.name)
        return now is not None and now.uid == target.uid

    async def _patch(
        self, kind: Kind, target: Metadata, changes: dict[str, Any], how: Patch
    ) -> None:
        """Patch the object of this uid (and version, if it is given): another is a 409."""
        meta: dict[str, Any] = {"uid": target.uid, **changes}
        if target.resourceVersion:
            meta["resourceVersion"] = target.resourceVersion
        path = kind.path(target.namespace, target.name)
        await patch_at(self._client, path, {"metadata": meta}, how)


def _options(policy: str, preconditions: Preconditions) -> DeleteOptions:
    return DeleteOptions(propagationPolicy=policy, preconditions=preconditions)


def _is_gone(error: StatusError, name: str) -> bool:
    """Whether an error tells that the object is not there, and not that its kind is not."""
    return error.code == 404 and error.details is not None and error.details.name == name


def _tree(owner: Owner) -> dict[str, Any]:
    fields = msgspec.structs.asdict(owner)
    return {name: value for name, value in fields.items() if value is not None}
