"""delete: remove an object, or mark it for those who must act first."""

from __future__ import annotations

from strongroom.api.codec import to_tree
from strongroom.api.errors import bad_request
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.registry.encode import deleted, shows_object
from strongroom.server.call import Call, integer
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.urls import flag
from strongroom.server.verbs.body import read_body
from strongroom.server.verbs.verb import Done, OneObject, Verb


async def decode_options(call: Call) -> None:
    """Options from the body; from the query when there is no body. Raises StatusError 400, 415."""
    if not await call.request.body():
        call.body = _from_query(call)
        return
    options = (await read_body(call, DeleteOptions, kind="DeleteOptions")).obj
    if options.kind not in ("", "DeleteOptions"):
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    call.body = options


def _from_query(call: Call) -> DeleteOptions:
    query = call.query
    options = DeleteOptions(dryRun=list(query.get("dryRun", [])))
    if not query:
        return options
    options.gracePeriodSeconds = integer(query, "gracePeriodSeconds")
    options.propagationPolicy = call.target.first("propagationPolicy") or None
    if "orphanDependents" in query:
        options.orphanDependents = flag(query, "orphanDependents")
    uid, version = call.target.first("uid"), call.target.first("resourceVersion")
    if uid or version:
        options.preconditions = Preconditions(uid=uid or None, resourceVersion=version or None)
    return options


async def run(call: Call) -> OneObject | Done:
    """Delete; 202 when a cascade was asked for and the object is not gone yet."""
    target, options = call.target, call.body
    ctx = call.context(dry_run=bool(options.dryRun), options=to_tree(options))
    namespace = target.namespace if call.resource.namespaced else ""
    view, removed = await call.registry.delete(ctx, namespace, target.name, options)
    if not shows_object(call.resource, removed=removed):
        return Done(deleted(call.resource, view))
    return OneObject(view, 202 if not removed and options.orphanDependents is False else 200)


VERB = Verb(run, decode_options, OBJECT_SHAPES)
