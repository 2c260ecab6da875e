"""delete: remove an object, or mark it for those who must act first."""

from __future__ import annotations

from dataclasses import replace

from strongroom.access.authz.port import Verdict
from strongroom.api.codec import to_tree
from strongroom.api.errors import Status, StatusDetails, bad_request, forbidden
from strongroom.api.meta import DeleteOptions, Preconditions
from strongroom.registry.context import RequestContext
from strongroom.registry.deleting import check_options
from strongroom.registry.encode import deleted, shows_object
from strongroom.server.call import Call, integer
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.urls import flag
from strongroom.server.verbs.body import read_body
from strongroom.server.verbs.verb import Done, OneObject, Verb

UNSAFE_VERB = "unsafe-delete-ignore-read-errors"
ANNOTATION = "apiserver.k8s.io/unsafe-delete-ignore-read-error"
_UNSAFE = "ignoreStoreReadErrorWithClusterBreakingPotential"


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
    if _UNSAFE in query:
        options.ignoreStoreReadErrorWithClusterBreakingPotential = flag(query, _UNSAFE)
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
    if options.ignoreStoreReadErrorWithClusterBreakingPotential:
        return await _delete_unreadable(call, ctx, namespace)
    view, removed = await call.registry.delete(ctx, namespace, target.name, options)
    if not shows_object(call.resource, removed=removed):
        return Done(deleted(call.resource, view))
    return OneObject(view, 202 if not removed and options.orphanDependents is False else 200)


async def _delete_unreadable(call: Call, ctx: RequestContext, namespace: str) -> Done:
    """What cannot be read can be deleted by who has a verb of its own for it.

    Source: ``authorizeUnsafeDelete`` in ``endpoints/handlers/delete.go``.
    """
    target, resource = call.target, call.resource
    ctx.annotate(ANNOTATION, "")
    check_options(call.body)
    decision = await call.authorizer.authorize(replace(call.attributes, verb=UNSAFE_VERB))
    if decision.verdict is not Verdict.ALLOW:
        raise forbidden(
            resource.group_resource,
            target.name,
            f'not permitted to do "{UNSAFE_VERB}", reason: {decision.reason}',
        )
    await call.registry.delete_unreadable(ctx, namespace, target.name)
    details = StatusDetails(name=target.name, kind=resource.kind)
    return Done(Status(kind="Status", apiVersion="v1", status="Success", details=details))


VERB = Verb(run, decode_options, OBJECT_SHAPES)
