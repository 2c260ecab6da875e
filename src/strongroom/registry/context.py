"""What the registry is told about the request that it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


def _no_warning(text: str) -> None:
    """Nobody listens to warnings."""


def _no_annotation(key: str, value: str) -> None:
    """Nobody keeps an audit log."""


@dataclass(slots=True)
class RequestContext:
    """One request on its way through the registry.

    ``user`` and ``attributes`` are carried for admission (``user`` also for kinds that write down
    who made an object): the registry looks at neither, so access rules stay out of it. ``now`` is
    the moment of the request in UTC, ``warn`` takes the text of an HTTP ``Warning`` header.
    ``created`` is set by the registry when an update made the object, for which the server answers
    201. ``options`` are what the client gave of its write options, as a
    tree without kind, and ``annotate`` adds to the request's audit events: both for admission.
    """

    user: object
    attributes: object
    now: datetime
    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = "Warn"
    warn: Callable[[str], None] = field(default=_no_warning)
    options: dict[str, Any] = field(default_factory=dict)
    annotate: Callable[[str, str], None] = field(default=_no_annotation)
    created: bool = False
    _told: set[str] = field(default_factory=set, repr=False)

    def tell(self, text: str) -> None:
        """Warn the client, once: what is tried again after a conflict says the same again."""
        if text not in self._told:
            self._told.add(text)
            self.warn(text)
