"""deletecollection: delete every object that a list would show."""

from __future__ import annotations

from strongroom.api.codec import to_tree
from strongroom.server.call import Call
from strongroom.server.negotiation import LIST_SHAPES
from strongroom.server.verbs.delete import decode_options
from strongroom.server.verbs.list import list_options
from strongroom.server.verbs.verb import ManyObjects, Verb


async def run(call: Call) -> ManyObjects:
    """Delete; the answer lists what was there."""
    ctx = call.context(dry_run=bool(call.body.dryRun), options=to_tree(call.body))
    options = list_options(call)
    return ManyObjects(
        await call.registry.delete_collection(ctx, call.target.namespace, options, call.body)
    )


VERB = Verb(run, decode_options, LIST_SHAPES)
