"""Applying what a mutating webhook wants to change: patched, pruned and defaulted."""

from __future__ import annotations

import msgspec

from strongroom.access.admission.matching import Target, as_seen, converted
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.api.apply.fieldset import FieldsError
from strongroom.api.apply.owners import decode
from strongroom.api.codec import from_tree
from strongroom.api.errors import StatusError, internal_error
from strongroom.api.gotext import quote
from strongroom.api.meta import ManagedFieldsEntry, Object
from strongroom.api.patch import PatchType, apply_patch
from strongroom.resources.admission_review import JSON_PATCH, AdmissionResponse

_INVALID_OWNERS = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an "
    "outdated mutating admission controller; please fix your requests: {}"
)


def apply_patch_to(
    request: AdmissionRequest, target: Target, webhook: str, answer: AdmissionResponse
) -> bool:
    """Change the request's object as the answer says; whether that made a difference.

    Raises CallingFailed for what is no patch, StatusError 500 for one that does not apply.
    """
    if answer.patch.strip() in (b"", b"[]", b"null"):
        return False
    if answer.patchType not in (JSON_PATCH, None):
        raise CallingFailed(f"unsupported patch type {quote(answer.patchType)}")
    obj, tree = request.obj, as_seen(request.obj, request, target)
    if obj is None or tree is None:
        raise internal_error(
            f"admission webhook {quote(webhook)} attempted to modify the object, "
            "which is not supported for this operation"
        )
    # The object of a subresource that shows another kind has no version but its own.
    own_kind = isinstance(obj, request.resource.type)
    struct = target.resource.type if own_kind else type(obj)
    try:
        new: Object = from_tree(apply_patch(PatchType.JSON, tree, answer.patch, struct), struct)
    except StatusError as error:
        if error.code == 422:
            text = f"the patch of admission webhook {quote(webhook)} does not apply"
            raise internal_error(text) from None
        raise CallingFailed(
            f"received undecodable patch in webhook response: {error.message}"
        ) from None
    if as_seen(obj, request, target) == as_seen(new, request, target):
        return False
    if own_kind:
        target.resource.default(new)
        new = converted(new, target.resource, request.resource)
    _become(obj, new)
    request.rewritten = True
    return True


def _become(obj: Object, new: Object) -> None:
    """Turn one object into another of its type, for whoever holds it."""
    for field in msgspec.structs.fields(type(obj)):
        setattr(obj, field.name, getattr(new, field.name))


def managed_fields(request: AdmissionRequest) -> list[ManagedFieldsEntry] | None:
    """Who owns which fields of the request's object."""
    return request.obj.metadata.managedFields if request.obj is not None else None


def restore_managed_fields(
    request: AdmissionRequest, entries: list[ManagedFieldsEntry] | None
) -> None:
    """Put back what webhooks made of managedFields, with a warning, if it is no longer that.

    Source: ``NewManagedFieldsValidatingAdmissionController``.
    """
    if request.obj is None:
        return
    try:
        decode(request.obj.metadata.managedFields or ())
    except FieldsError as error:
        request.obj.metadata.managedFields = entries
        request.warn(_INVALID_OWNERS.format(error))
