"""update: replace an object, or a subresource of it."""

from __future__ import annotations

from strongroom.server.call import Call
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.verbs.body import decode_object, write_context
from strongroom.server.verbs.verb import OneObject, Verb


async def run(call: Call) -> OneObject:
    """Replace; the answer is 201 when that made the object."""
    ctx, target = write_context(call, "UpdateOptions"), call.target
    view = await call.registry.update(
        ctx,
        target.namespace if call.resource.namespaced else "",
        target.name,
        call.body,
        subresource=target.subresource,
    )
    return OneObject(view, 201 if ctx.created else 200)


VERB = Verb(run, decode_object, OBJECT_SHAPES)
