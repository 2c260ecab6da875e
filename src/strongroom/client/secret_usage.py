"""When Secrets were last read, where the server tells: strongroom's does, others do not."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.discovery import Served
from strongroom.resources.secretusage import ALL_SECRETS, READS, SECRET_USAGES, SecretUsage


@dataclass(frozen=True, slots=True)
class LastRead:
    """The hour of the last read in one way, and who read then (somebody, if several did)."""

    verb: str
    time: str
    by: str
    whole: bool
    """Whether all Secrets of the namespace were read, and this one among them."""


class Usages:
    """What the server tells of the Secrets of a namespace, or of all. ``known``: if it does."""

    def __init__(self, usages: list[SecretUsage], *, known: bool) -> None:
        self.known = known
        self._by_name = {(u.metadata.namespace, u.metadata.name): u for u in usages}

    def of(self, namespace: str, name: str) -> SecretUsage | None:
        """What is told of one Secret alone."""
        return self._by_name.get((namespace, name))

    def reads(self, namespace: str, name: str) -> list[LastRead]:
        """The last reads of a Secret, the newest first."""
        found: list[LastRead] = []
        for key, whole in ((name, False), (ALL_SECRETS, True)):
            usage = self._by_name.get((namespace, key))
            reads = usage.reads if usage is not None else []
            found += [LastRead(read.verb, read.time, read.by, whole) for read in reads]
        return sorted(found, key=_newest_first)


def _newest_first(read: LastRead) -> tuple[str, bool, int]:
    newest = "".join(chr(0x10FFFF - ord(c)) for c in read.time)
    order = READS.index(read.verb) if read.verb in READS else len(READS)
    return newest, read.whole, order


async def read_usages(client: Client, served: Served, namespace: str = "") -> Usages:
    """Ask the server; who may not know is told nothing. Raises StatusError, ClientFailure."""
    if served.find(SECRET_USAGES.api_version, SECRET_USAGES.kind) is None:
        return Usages([], known=False)
    try:
        page = await client.list(SECRET_USAGES, namespace)
    except StatusError as error:
        if error.code != 403:
            raise
        return Usages([], known=False)
    return Usages(page.items, known=True)
