"""Where the store of another cluster is: a snapshot file, or the etcd. Both are only read."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from strongroom.server.etcd_options import hint
from strongroom.server.foreign.keys import Area
from strongroom.snapshot.errors import BadSnapshot
from strongroom.snapshot.file import opened
from strongroom.snapshot.keys import Keys
from strongroom.snapshot.lines import CannotRead, End, Past
from strongroom.storage import etcd_messages as messages
from strongroom.storage.encryption.stored import Stored, look
from strongroom.storage.encryption.wire import WireError
from strongroom.storage.errors import StoreError
from strongroom.storage.etcd_cluster import Cluster, Credentials, OutOfRange

Item = tuple[bytes, bytes]
"""A key and what is stored under it."""

_PAGE = 128
"""Keys that etcd is asked for at once: values are up to 1.5 MB each, most of them a thousandth."""
_WITHIN = 10.0


class Source(Protocol):
    """Gives what is stored in an area: items, former versions where it has them, and the end."""

    def read(self, area: Area) -> AsyncGenerator[Item | Past | End, None]:
        """All of it as of one revision. Raises CannotRead, OSError."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file of ``etcdctl snapshot save``, or a member's ``member/snap/db``.

    ``history`` has it tell of former versions as well, which reads the file twice.
    """

    path: Path
    history: bool = True

    async def read(self, area: Area) -> AsyncGenerator[Item | Past | End, None]:
        try:
            with opened(self.path) as data:
                found = Keys(data, area.below)
                places = found.now()
                objects = 0
                for start in area.starts():
                    for key in [key for key in places if key.startswith(start)]:
                        objects += 1
                        yield key, found.value(places[key])
                if self.history:
                    for past in _history(found, area):
                        yield past
                yield End(found.revision, objects, len(places))
        except BadSnapshot as error:
            raise CannotRead(f"{self.path}: {error}") from None


def _history(found: Keys, area: Area) -> list[Past]:
    """How all versions that the file has are stored."""
    starts = tuple(area.starts())
    tally: Counter[tuple[str, Stored]] = Counter()
    for version in found.versions():
        if version.record is not None and version.key.startswith(starts):
            tally[area.parts(version.key)[0], look(found.value(version.record))] += 1
    return [
        Past(name, how.scheme, how.name, how.key_id, count) for (name, how), count in tally.items()
    ]


@dataclass(frozen=True, slots=True)
class Etcd:
    """An etcd cluster with members at ``urls``."""

    urls: Sequence[str]
    credentials: Credentials

    async def read(self, area: Area) -> AsyncGenerator[Item | Past | End, None]:
        cluster = Cluster(self.urls, self.credentials)
        try:
            end = messages.range_end(area.below)
            request = messages.count_request(area.below, end)
            answer = await cluster.ask(messages.RANGE, request, again=True, within=_WITHIN)
            whole = messages.read_range(answer)
            objects = 0
            for start in area.starts():
                async for item in _range(cluster, start, whole.revision):
                    objects += 1
                    yield item
            yield End(whole.revision, objects, whole.count)
        except OutOfRange:
            raise CannotRead(
                "the etcd has compacted its history while it was read: try again, or take a "
                "snapshot"
            ) from None
        except WireError as error:
            raise CannotRead(f"an answer of etcd {error}") from None
        except StoreError as error:
            raise CannotRead(f"{error}{hint(self.urls)}") from None
        finally:
            await cluster.close()


async def _range(cluster: Cluster, start: bytes, revision: int) -> AsyncGenerator[Item, None]:
    """All keys that begin so, at a revision."""
    first, end, more = start, messages.range_end(start), True
    while more:
        request = messages.range_request(first, end, limit=_PAGE, revision=revision)
        answer = await cluster.ask(messages.RANGE, request, again=True)
        page = messages.read_range(answer)
        for found in page.items:
            first = found.key.encode(errors="surrogateescape") + b"\0"
            yield first[:-1], found.value
        more = bool(page.items) and page.count > len(page.items)
