"""get: one object."""

from __future__ import annotations

from strongroom.server.call import Call
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.verbs.verb import OneObject, Verb


async def run(call: Call) -> OneObject:
    """Read the object, as fresh as asked."""
    target = call.target
    view = await call.registry.get(
        call.context(),
        target.namespace if call.resource.namespaced else "",
        target.name,
        target.first("resourceVersion"),
        subresource=target.subresource,
    )
    whole = not call.form.shape and not target.subresource
    if whole and call.request.headers.get("kubectl-command") == "kubectl apply":
        view = view.for_apply()
    return OneObject(view)


VERB = Verb(run, shapes=OBJECT_SHAPES)
