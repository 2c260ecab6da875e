"""What the servers of an etcd tell each other: where they serve, and which keys they have."""

from __future__ import annotations

import msgspec

from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.places import UP
from strongroom.storage.port import Store


class Told(msgspec.Struct, frozen=True):
    """``keys`` are the ids in its key file, that of the one which encrypts first; none without."""

    url: str
    keys: tuple[str, ...] = ()


async def servers_of(store: Store) -> list[Told]:
    """All that are there, this one too; none where there can be one only. Raises StoreError."""
    # They tell of themselves in the clear.
    stored = store.stored if isinstance(store, EncryptedStore) else store
    found = []
    for item in (await stored.list(UP)).items:
        try:
            found.append(msgspec.json.decode(item.value, type=Told))
        except msgspec.DecodeError:
            continue  # It is of no version that we know, and tells us nothing.
    return found
