"""The key of the hashes that stand for values in audit events: one for all servers of a store.

It lies in the store, encrypted as everything there, so that equal values give equal hashes in the
events of every server, before and after each start. Whoever has the log alone cannot try values.
"""

from __future__ import annotations

import logging
import os

from strongroom.storage.errors import KeyExists, Undecryptable
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.audit")

STORE_KEY = "/strongroom/audit/hmac-key"
SIZE = 32


async def values_key(store: Store) -> bytes:
    """The key, made if there is none yet, or none that can be read. Raises StoreError."""
    try:
        found = await store.get(STORE_KEY)
    except Undecryptable as error:
        log(logger, logging.ERROR, "hashes of values in audit events begin anew", error)
        key = os.urandom(SIZE)
        await store.update(STORE_KEY, key, expected=error.mod_revision)
        return key
    if found is None:
        key = os.urandom(SIZE)
        try:
            await store.create(STORE_KEY, key)
        except KeyExists:
            # Another server was faster: its key is everybody's.
            return await values_key(store)
        return key
    return found.value
