"""patch: change an object, or a subresource of it, as a patch says."""

from __future__ import annotations

from strongroom.api.errors import unsupported_media_type
from strongroom.api.patch import PatchType
from strongroom.api.validation import validate_patch_options
from strongroom.registry.context import RequestContext
from strongroom.server.call import Call, manager_of
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.urls import flag
from strongroom.server.verbs.body import WARN, check_options
from strongroom.server.verbs.verb import OneObject, Verb

_TYPES = {str(kind.value): kind for kind in PatchType}


async def decode(call: Call) -> None:
    """Read the patch; it is understood only beside the object. Raises StatusError 413, 415."""
    content_type = call.request.headers.get("content-type", "")
    patch_type = _TYPES.get(content_type.partition(";")[0].strip().lower())
    if patch_type is None:
        raise unsupported_media_type(sorted(_TYPES))
    call.body = (patch_type, await call.request.body())


async def run(call: Call) -> OneObject:
    """Patch; the answer is 201 when that made the object."""
    ctx, target = _context(call), call.target
    patch_type, body = call.body
    view = await call.registry.patch(
        ctx,
        target.namespace if call.resource.namespaced else "",
        target.name,
        patch_type,
        body,
        subresource=target.subresource,
    )
    return OneObject(view, 201 if ctx.created else 200)


def _context(call: Call) -> RequestContext:
    query, target = call.query, call.target
    dry_run, validation = query.get("dryRun", []), target.first("fieldValidation")
    manager = target.first("fieldManager")
    force = flag(query, "force") if "force" in query else None
    check_options("PatchOptions", validate_patch_options(dry_run, manager, validation, force=force))
    return call.context(
        dry_run=bool(dry_run),
        field_manager=manager_of(call, manager),
        field_validation=validation or WARN,
    )


VERB = Verb(run, decode, OBJECT_SHAPES)
