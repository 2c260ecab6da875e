"""The contract of admission: judges (and may change) the object about to be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from strongroom.access.user import Attributes
from strongroom.api.meta import Object
from strongroom.resources.resource import Resource


@dataclass(slots=True)
class AdmissionRequest:
    """A write on its way to the store. ``operation`` is CREATE, UPDATE, DELETE or CONNECT.

    ``obj`` is the merged object and may be changed in place by ``mutate``; ``old`` must not be.
    ``resource`` is the kind that the path names (with ``attributes.subresource``, the part of it).
    ``options`` are the Create-, Update- or DeleteOptions of the request as a tree; nobody may
    change them. ``annotate`` adds an annotation to the request's audit events (the first of a
    name stays), ``warn`` an HTTP ``Warning``. A plugin that has changed ``obj`` as only clients
    do, in any field, sets ``rewritten``: defaults are then filled in and the server's own fields
    set once more.
    """

    attributes: Attributes
    operation: str
    resource: Resource[Any]
    namespace: str
    name: str
    obj: Object | None
    old: Object | None
    dry_run: bool
    options: dict[str, Any]
    warn: Callable[[str], None]
    annotate: Callable[[str, str], None]
    rewritten: bool = False


class AdmissionPlugin(Protocol):
    """One judge. Runs inside the compare-and-swap loop, so it may run more than once a request."""

    name: str

    async def mutate(self, request: AdmissionRequest) -> None:
        """Change ``request.obj``; runs before validation. Raises StatusError to refuse."""
        ...

    async def validate(self, request: AdmissionRequest) -> None:
        """Look, change nothing. Raises StatusError to refuse."""
        ...
