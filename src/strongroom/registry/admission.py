"""What the registry asks of admission: the port that ``strongroom.access.admission`` fulfils.

Registry and access do not know each other, so the registry says here what it needs. A
:class:`Write` has the fields of ``access.admission.port.AdmissionRequest`` and is handed to the
plugins as one; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from strongroom.api.meta import Object
from strongroom.registry.context import RequestContext


@dataclass(slots=True)
class Write:
    """A write on its way to the store. ``mutate`` may change ``obj``, nobody may change ``old``."""

    attributes: object
    operation: str
    obj: Object | None
    old: Object | None
    dry_run: bool
    warn: Callable[[str], None]


class AdmissionPlugin(Protocol):
    """One judge. Both methods raise StatusError to refuse, and may be called more than once."""

    name: str

    async def mutate(self, request: Any) -> None: ...

    async def validate(self, request: Any) -> None: ...


class Admission:
    """The plugins in their order: all mutate first, then all judge the final object."""

    def __init__(self, plugins: Sequence[AdmissionPlugin]) -> None:
        self._plugins = tuple(plugins)

    async def mutate(
        self, ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> None:
        """Let every plugin change ``obj``."""
        if self._plugins:
            request = self._request(ctx, operation, obj, old)
            for plugin in self._plugins:
                await plugin.mutate(request)

    async def validate(
        self, ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> None:
        """Let every plugin judge."""
        if self._plugins:
            request = self._request(ctx, operation, obj, old)
            for plugin in self._plugins:
                await plugin.validate(request)

    @staticmethod
    def _request(
        ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> Write:
        return Write(ctx.attributes, operation, obj, old, ctx.dry_run, ctx.tell)
