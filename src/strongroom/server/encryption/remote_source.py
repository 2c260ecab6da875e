"""What a key that somebody else holds is named by: the shape of such sources."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from strongroom.storage.encryption.keyservice import KeyService


class RemoteService(KeyService, Protocol):
    """A key service that keeps something open while it is in use."""

    def close(self) -> None:
        """Hang up; whoever asks afterwards is connected anew."""
        ...


class RemoteSource(Protocol):
    """A key that never leaves its home; ``str`` of it is a URI without anything secret."""

    @property
    def facts(self) -> dict[str, str]:
        """What is told of it to people and programs."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """What pods and other users must not see."""
        ...

    @property
    def advice(self) -> str:
        """What to do in place of rotating and pruning here."""
        ...

    def open(self, *, new: bool = False) -> RemoteService:
        """The key service, which has not been asked anything yet; no key is ever made there.

        Raises KeyServiceError, where a part is missing that it needs on this machine.
        """
        ...


class HeldElsewhere:
    """What every such source has; its ``str`` is all that is told of it."""

    __slots__ = ()

    @property
    def facts(self) -> dict[str, str]:
        """What is told of it to people and programs."""
        return {"source": str(self)}
