"""create: store a new object."""

from __future__ import annotations

from strongroom.server.call import Call
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.verbs.body import decode_object, write_context
from strongroom.server.verbs.verb import OneObject, Verb


async def run(call: Call) -> OneObject:
    """Create; the answer is 201."""
    ctx = write_context(call, "CreateOptions")
    view = await call.registry.create(ctx, call.target.namespace, call.body)
    return OneObject(view, 201)


VERB = Verb(run, decode_object, OBJECT_SHAPES)
