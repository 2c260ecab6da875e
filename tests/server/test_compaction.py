"""What is told of a store that cannot be written anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from strongroom.api.errors import StatusError
from strongroom.server.compaction import Compaction
from strongroom.storage.encrypted import EncryptedStore
from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.errors import NoSpace
from strongroom.storage.memory import MemoryStore
from strongroom.storage.port import Wiped


class Full(MemoryStore):
    """A store without room for a second file."""

    async def wipe(self) -> Sequence[Wiped]:
        raise NoSpace("writing to /store/strongroom.db failed: its disk is full")


async def test_who_asks_on_a_full_disk_is_told_of_it() -> None:
    compaction = Compaction(
        EncryptedStore(Full(), PrefixTransformer([(b"", IdentityTransformer())]))
    )
    nothing: Any = None  # Neither the request nor where it went matters.
    with pytest.raises(StatusError, match=r"strongroom\.db failed: its disk is full") as caught:
        await compaction.serve(nothing, nothing)
    assert caught.value.code == 500
