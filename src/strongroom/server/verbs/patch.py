"""patch: change an object, or a subresource of it, as a patch says."""

from __future__ import annotations

from strongroom.api.apply import APPLY_MEDIA_TYPE
from strongroom.api.errors import unsupported_media_type
from strongroom.api.patch import PatchType
from strongroom.api.validation import validate_patch_options
from strongroom.registry.context import RequestContext
from strongroom.server.call import Call, manager_of
from strongroom.server.negotiation import OBJECT_SHAPES
from strongroom.server.urls import flag
from strongroom.server.verbs.body import WARN, check_options, options_tree
from strongroom.server.verbs.verb import OneObject, Verb

# Server-side apply is no patch of a tree, but a verb of its own by another name.
_TYPES: dict[str, PatchType | None] = {
    **{str(kind.value): kind for kind in PatchType},
    APPLY_MEDIA_TYPE: None,
}


async def decode(call: Call) -> None:
    """Read the patch; it is understood only beside the object. Raises StatusError 413, 415."""
    content_type = call.request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise unsupported_media_type(sorted(_TYPES))
    call.body = (_TYPES[media_type], await call.request.body())


async def run(call: Call) -> OneObject:
    """Patch; the answer is 201 when that made the object."""
    target = call.target
    patch_type, body = call.body
    force = flag(call.query, "force") if "force" in call.query else None
    ctx = _context(call, apply=patch_type is None, force=force)
    place = (target.namespace if call.resource.namespaced else "", target.name)
    part = target.subresource
    if patch_type is None:
        applying = call.registry.apply_configuration
        view = await applying(ctx, *place, body, subresource=part, force=bool(force))
    else:
        view = await call.registry.patch(ctx, *place, patch_type, body, subresource=part)
    return OneObject(view, 201 if ctx.created else 200)


def _context(call: Call, *, apply: bool, force: bool | None) -> RequestContext:
    query, target = call.query, call.target
    dry_run, validation = query.get("dryRun", []), target.first("fieldValidation")
    manager = target.first("fieldManager")
    errors = validate_patch_options(dry_run, manager, validation, force=force, apply=apply)
    check_options("PatchOptions", errors)
    return call.context(
        dry_run=bool(dry_run),
        field_manager=manager_of(call, manager),
        field_validation=validation or WARN,
        options=options_tree(dry_run, manager, validation),
    )


VERB = Verb(run, decode, OBJECT_SHAPES)
