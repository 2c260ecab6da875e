"""Leases of etcd: what is put under one goes with it, by the cluster's own clock.

Messages: ``Lease`` in ``etcd/api/etcdserverpb/rpc.proto``. That many objects share a lease, within
a part of their time: ``storage/etcd3/lease_manager.go`` of k8s.io/apiserver.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.wire import WireError, number_field
from strongroom.storage.errors import StoreError, StoreUnavailable
from strongroom.storage.etcd_cluster import ANSWER_WITHIN, Cluster

GRANT = "/etcdserverpb.Lease/LeaseGrant"
REVOKE = "/etcdserverpb.Lease/LeaseRevoke"
KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"

_MOST_OBJECTS = 1000
_REUSED_FOR, _REUSED_PART = 60.0, 0.05


async def grant(cluster: Cluster, seconds: float) -> int:
    """A new lease of at least so many seconds; its id. Raises: `StoreUnavailable`."""
    # One that was granted twice because an answer was lost ends by itself.
    answer = await cluster.ask(GRANT, number_field(1, max(round(seconds), 1)), again=True)
    return _number(answer, 2)


async def revoke(cluster: Cluster, lease: int) -> None:
    """End a lease, and what is under it, now. Raises: `StoreUnavailable`."""
    await cluster.ask(REVOKE, number_field(1, lease), again=True)


async def keep_alive(cluster: Cluster, lease: int) -> int:
    """Begin the time of a lease anew: how many seconds it has, 0 when it is over.

    Raises: `StoreUnavailable`, `StoreClosed`.
    """
    import grpc

    member = await cluster.member()
    call = member.stream(KEEP_ALIVE)
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await call.write(number_field(1, lease))
            message = await call.read()
    except grpc.RpcError as error:
        raise cluster.translated(member, error) from None
    except TimeoutError:
        cluster.avoid(member)
        raise StoreUnavailable(f"{member.url} renews no lease") from None
    except asyncio.CancelledError:
        cluster.check_open_or_cancelled()
        raise
    finally:
        call.cancel()
    if not isinstance(message, bytes):
        raise StoreUnavailable(f"{member.url} renews no lease")
    return _number(message, 3)


def _number(message: bytes, number: int) -> int:
    try:
        return wire.read(message).number(number)
    except WireError as error:
        raise StoreUnavailable(f"an answer of etcd {error}") from None


@dataclass(slots=True)
class _Shared:
    """A lease that further objects may be put under, until a moment of the loop's clock."""

    id: int
    until: float
    objects: int = 0


class Leases:
    """Gives keys with some prefixes the lease that ends them. ``seconds`` is their time to live."""

    def __init__(self, cluster: Cluster, seconds: Mapping[str, float]) -> None:
        self._cluster = cluster
        self._seconds = dict(seconds)
        self._shared: dict[str, _Shared] = {}
        self._granting = asyncio.Lock()

    async def of(self, key: str) -> int:
        """The lease for a key that is put now, 0 for none. Raises: `StoreUnavailable`."""
        for prefix in self._seconds:
            if key.startswith(prefix):
                return await self._of(prefix)
        return 0

    def forget(self) -> None:
        """Take new ones from now on: one was not known to etcd any more."""
        self._shared.clear()

    async def _of(self, prefix: str) -> int:
        async with self._granting:
            shared = self._shared.get(prefix)
            now = asyncio.get_running_loop().time()
            if shared is None or now > shared.until or shared.objects >= _MOST_OBJECTS:
                seconds = self._seconds[prefix]
                reused = min(_REUSED_FOR, seconds * _REUSED_PART)
                lease = await grant(self._cluster, seconds + reused)
                shared = self._shared[prefix] = _Shared(lease, now + reused)
            shared.objects += 1
            return shared.id


async def end_quietly(cluster: Cluster, lease: int) -> None:
    """End a lease where that can be done; otherwise it ends by itself."""
    with contextlib.suppress(StoreError):
        await revoke(cluster, lease)
