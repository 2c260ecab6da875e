"""What an etcd cluster needs done now and then: giving free space back, and telling of alarms.

Messages: ``Maintenance`` in ``etcd/api/etcdserverpb/rpc.proto``.
"""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.wire import WireError, number_field
from strongroom.storage.errors import StoreUnavailable
from strongroom.storage.etcd_cluster import Cluster, Member

STATUS = "/etcdserverpb.Maintenance/Status"
DEFRAGMENT = "/etcdserverpb.Maintenance/Defragment"

ALARM = "/etcdserverpb.Maintenance/Alarm"

_LIST, _DEACTIVATE, _NO_SPACE = 0, 2, 1

DEFRAGMENT_WITHIN = 600.0
"""Seconds that a member has to write its file anew; it serves nobody meanwhile."""


@dataclass(frozen=True, slots=True)
class Status:
    """A member's file: its size in bytes, and how many of them hold something."""

    size: int
    used: int
    leads: bool


@dataclass(frozen=True, slots=True)
class Defragmented:
    """What the member at `url` gave back: the size of its file in bytes, before and after."""

    url: str
    before: int
    after: int


def read_status(message: bytes) -> Status:
    """Raises WireError."""
    fields = wire.read(message)
    header = wire.read(fields.data(1))
    return Status(fields.number(3), fields.number(10), fields.number(4) == header.number(2))


async def status(cluster: Cluster, member: Member) -> Status:
    """What a member says of itself. Raises: `StoreUnavailable`, `StoreClosed`."""
    try:
        return read_status(await cluster.ask_member(member, STATUS, b""))
    except WireError as error:
        raise StoreUnavailable(f"an answer of etcd {error}") from None


async def defragment(cluster: Cluster) -> list[Defragmented]:
    """Have each member write its file anew, without what was compacted; one after another.

    The one that leads is the last, so that the lead is lost once at most. Where a member had no
    space left, writes are allowed again: it raises its alarm anew if it still has none. Raises:
    `StoreUnavailable` at the first member that does not do it, `StoreClosed`.
    """
    before = [(member, await status(cluster, member)) for member in cluster.members]
    done = []
    for member, was in sorted(before, key=lambda one: one[1].leads):
        if len(before) > 1:
            # It does not answer meanwhile: reads and writes are for the others.
            cluster.avoid(member)
        await cluster.ask_member(member, DEFRAGMENT, b"", within=DEFRAGMENT_WITHIN)
        done.append(Defragmented(member.url, was.size, (await status(cluster, member)).size))
    for alarmed in no_space_at(await cluster.ask(ALARM, _alarm(_LIST), again=True)):
        await cluster.ask(ALARM, _alarm(_DEACTIVATE, alarmed), again=True)
    return done


def _alarm(action: int, member: int = 0) -> bytes:
    return number_field(1, action) + number_field(2, member) + number_field(3, _NO_SPACE)


def no_space_at(message: bytes) -> list[int]:
    """The ids of members that have no space left. Raises: `StoreUnavailable`."""
    try:
        alarms = wire.read(message).messages(2)
        return [one.number(1) for one in alarms if one.number(2) == _NO_SPACE]
    except WireError as error:
        raise StoreUnavailable(f"an answer of etcd {error}") from None
