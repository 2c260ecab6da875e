"""The request as the expressions of policies see it."""

from __future__ import annotations

from strongroom.access.admission.matching import Target
from strongroom.access.admission.policy.port import Surroundings, Tree
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.webhook.review import request_tree


class About:
    """The request as expressions see it, made once for each form that policies want to see."""

    def __init__(self, request: AdmissionRequest, around: Surroundings) -> None:
        self.request = request
        self._around = around
        self._names: dict[tuple[str, ...], Tree] = {}

    async def names(self, target: Target) -> Tree:
        """object, oldObject, request and namespaceObject."""
        seen = (target.group, target.version, target.plural, target.kind_version, target.kind)
        found = self._names.get(seen)
        if found is None:
            about = request_tree(self.request, target)
            found = {name: about.pop(name) for name in ("object", "oldObject")}
            found["request"] = about
            found["namespaceObject"] = await self._namespace()
            self._names[seen] = found
        return found

    async def _namespace(self) -> Tree | None:
        """The request's namespace; none for a namespace itself, as upstream has it."""
        request = self.request
        if not request.namespace or request.resource.kind == "Namespace":
            return None
        return await self._around.namespace_object(request.namespace)
