"""Objects that several controllers follow by one watch."""

from __future__ import annotations

from typing import Generic, TypeVar

from strongroom.api.meta import Object
from strongroom.client.client import Client
from strongroom.client.informer import Informer
from strongroom.resources.certificatesigningrequest import CERTIFICATE_SIGNING_REQUESTS
from strongroom.resources.certificatesigningrequest_object import CertificateSigningRequest

T = TypeVar("T", bound=Object)


class Shared(Generic[T]):
    """An informer that the first who needs it starts, and the first who leaves ends.

    Controllers of one process are closed together.
    """

    def __init__(self, informer: Informer[T]) -> None:
        self.informer = informer
        self._started = False
        self._closed = False

    async def start(self) -> None:
        """Start it unless somebody has; returns when it is in sync."""
        if not self._started:
            self._started = True
            self.informer.start()
        await self.informer.wait_synced()

    async def close(self) -> None:
        """End it unless somebody has."""
        if self._started and not self._closed:
            self._closed = True
            await self.informer.close()


Requests = Shared[CertificateSigningRequest]


def requests(client: Client) -> Requests:
    """Follows all requests for certificates."""
    return Shared(Informer(client, CERTIFICATE_SIGNING_REQUESTS))
