"""The contract of admission: judges (and may change) the object about to be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from strongroom.access.user import Attributes
from strongroom.api.meta import Object


@dataclass(slots=True)
class AdmissionRequest:
    """A write on its way to the store. ``operation`` is CREATE, UPDATE, DELETE or CONNECT.

    ``obj`` is the merged object and may be changed in place by ``mutate``; ``old`` must not be.
    """

    attributes: Attributes
    operation: str
    obj: Object | None
    old: Object | None
    dry_run: bool = False
    warn: Callable[[str], None] = field(default=lambda text: None)


class AdmissionPlugin(Protocol):
    """One judge. Runs inside the compare-and-swap loop, so it may run more than once a request."""

    name: str

    async def mutate(self, request: AdmissionRequest) -> None:
        """Change ``request.obj``; runs before validation. Raises StatusError to refuse."""
        ...

    async def validate(self, request: AdmissionRequest) -> None:
        """Look, change nothing. Raises StatusError to refuse."""
        ...
