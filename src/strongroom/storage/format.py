"""The format of what is stored, as a record in the store: keys and values, whatever the engine.

An engine's own layout has a version too (``user_version`` of the SQLite file). Stores from before
there was this record are of format 1 as well, and get it at the next start. When a format follows,
what it changes is written beside the record, in one transaction: whoever is killed meanwhile leaves
a store of the old format.
"""

from __future__ import annotations

import msgspec

from strongroom.storage.errors import KeyExists, Undecryptable, UnknownFormat
from strongroom.storage.port import Store

KEY = "/strongroom/format"

FORMAT = 1


class Record(msgspec.Struct):
    """What stands in the store. Fields of later versions are no error here: the number counts."""

    format: int
    version: str = ""
    """Of the strongroom that wrote the record."""


async def check_format(store: Store) -> None:
    """Make sure that what is stored is of a format that is known here; nothing is written.

    A record that cannot be decrypted tells nothing, as all else. Raises: `UnknownFormat`.
    """
    try:
        found = await store.get(KEY)
    except Undecryptable:
        return
    if found is not None:
        _check(found.value)


async def note_format(store: Store, version: str) -> None:
    """Have the store say of which format it is. ``version`` is this program's.

    Raises: `UnknownFormat` when another server said something else meanwhile.
    """
    try:
        if await store.get(KEY) is None:
            await store.create(KEY, msgspec.json.encode(Record(FORMAT, version)))
    except (KeyExists, Undecryptable):
        await check_format(store)


def _check(value: bytes) -> None:
    try:
        record = msgspec.json.decode(value, type=Record)
    except msgspec.MsgspecError:
        raise UnknownFormat("what the store says of its format is not understood") from None
    if record.format != FORMAT:
        raise UnknownFormat(
            f"the store has format {record.format}, of strongroom {record.version}; "
            f"this program knows {FORMAT}"
        )
