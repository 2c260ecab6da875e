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
from strongroom.resources.resource import Resource

_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


@dataclass(slots=True)
class Write:
    """A write on its way to the store. ``mutate`` may change ``obj``, nobody may change ``old``."""

    attributes: object
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
    """One judge. Both methods raise StatusError to refuse, and may be called more than once."""

    name: str

    async def mutate(self, request: Any) -> None: ...

    async def validate(self, request: Any) -> None: ...


class Admission:
    """The plugins in their order: all mutate first, then all judge the final object."""

    def __init__(self, plugins: Sequence[AdmissionPlugin], resource: Resource[Any]) -> None:
        self._plugins = tuple(plugins)
        self._resource = resource

    async def mutate(
        self, ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> bool:
        """Let every plugin change ``obj``; whether one rewrote it as only clients do."""
        if not self._plugins:
            return False
        request = self._request(ctx, operation, obj, old)
        for plugin in self._plugins:
            await plugin.mutate(request)
        return request.rewritten

    async def validate(
        self, ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> None:
        """Let every plugin judge."""
        if self._plugins:
            request = self._request(ctx, operation, obj, old)
            for plugin in self._plugins:
                await plugin.validate(request)

    def _request(
        self, ctx: RequestContext, operation: str, obj: Object | None, old: Object | None
    ) -> Write:
        known = obj if obj is not None else old
        meta = known.metadata if known is not None else None
        # A patch or an update that makes the object has the options of a create, as upstream.
        options = ctx.options | {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"}
        return Write(
            ctx.attributes,
            operation,
            self._resource,
            meta.namespace if meta is not None else "",
            meta.name if meta is not None else "",
            obj,
            old,
            ctx.dry_run,
            options,
            ctx.tell,
            ctx.annotate,
        )
