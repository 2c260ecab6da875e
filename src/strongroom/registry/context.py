"""What the registry is told about the request that it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


def _no_warning(text: str) -> None:
    """Nobody listens to warnings."""


@dataclass(slots=True)
class RequestContext:
    """One request on its way through the registry.

    ``user`` and ``attributes`` are carried for admission: the registry looks at neither, so access
    rules stay out of it. ``now`` is the moment of the request in UTC, ``warn`` takes the text of an
    HTTP ``Warning`` header. ``created`` is set by the registry when an update made the object, for
    which the server answers 201.
    """

    user: object
    attributes: object
    now: datetime
    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = "Warn"
    warn: Callable[[str], None] = field(default=_no_warning)
    created: bool = False
    _told: set[str] = field(default_factory=set, repr=False)

    def tell(self, text: str) -> None:
        """Warn the client, once: what is tried again after a conflict says the same again."""
        if text not in self._told:
            self._told.add(text)
            self.warn(text)
