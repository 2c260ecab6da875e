"""deletecollection: delete every object that a list would show."""

from __future__ import annotations

from strongroom.api.codec import to_tree
from strongroom.api.errors import invalid
from strongroom.api.validation import Path, invalid_value
from strongroom.registry.deleting import OPTIONS_KIND
from strongroom.server.call import Call
from strongroom.server.negotiation import LIST_SHAPES
from strongroom.server.verbs.delete import decode_options
from strongroom.server.verbs.list import list_options
from strongroom.server.verbs.verb import ManyObjects, Verb

_NOT_HERE = invalid_value(
    Path("ignoreStoreReadErrorWithClusterBreakingPotential"),
    True,
    "is not allowed with DELETECOLLECTION, try again after removing the option",
)


async def run(call: Call) -> ManyObjects:
    """Delete; the answer lists what was there."""
    if call.body.ignoreStoreReadErrorWithClusterBreakingPotential:
        raise invalid(OPTIONS_KIND, "", [_NOT_HERE])
    ctx = call.context(dry_run=bool(call.body.dryRun), options=to_tree(call.body))
    options = list_options(call)
    return ManyObjects(
        await call.registry.delete_collection(ctx, call.target.namespace, options, call.body)
    )


VERB = Verb(run, decode_options, LIST_SHAPES)
