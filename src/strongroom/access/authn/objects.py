"""What authenticators ask of the rest of the server: objects, as fresh as acknowledged writes."""

from __future__ import annotations

from typing import Protocol

from strongroom.api.meta import Object


class Stored(Protocol):
    """An object as it stands. A changed object is another Stored: compare by identity."""

    def peek(self) -> Object:
        """The object, to be read only."""
        ...


class Objects(Protocol):
    """Looks objects of core kinds up, by plural name; each look shows every acknowledged write."""

    @property
    def revision(self) -> int:
        """Another number after every acknowledged write: until then, each look shows the same."""
        ...

    async def find(self, plural: str, namespace: str, name: str) -> Stored | None:
        """An object as it stands, None when there is none. Raises StatusError when none can know.

        ``namespace`` is "" for kinds without.
        """
        ...

    async def get(self, plural: str, namespace: str, name: str) -> Object | None:
        """As ``find``, for one look."""
        ...
