"""Reading objects from bodies, and the options that all writes share."""

from __future__ import annotations

from typing import Any, TypeVar

from strongroom.api.codec import Decoded, decode
from strongroom.api.errors import GroupKind, bad_request, invalid
from strongroom.api.meta import Object
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.api.protobuf import decode_protobuf
from strongroom.api.schema import Struct
from strongroom.api.validation import validate_write_options
from strongroom.registry.context import RequestContext
from strongroom.server.call import Call, manager_of
from strongroom.server.negotiation import YAML, body_media_type

T = TypeVar("T", bound=Struct)

STRICT = "Strict"
WARN = "Warn"


async def decode_object(call: Call) -> None:
    """Read the object of a create or update. Raises StatusError 400, 413, 415."""
    resource = call.shown
    validation = call.target.first("fieldValidation") or WARN
    find = validation in (STRICT, WARN)
    decoded = await read_body(
        call, resource.type, kind=resource.kind, version=resource.api_version, find=find
    )
    check_kind(call, decoded.obj)
    report_findings(call, decoded.findings, validation)
    call.body = decoded.obj


async def read_body(
    call: Call, struct: type[T], *, kind: str, version: str = "v1", find: bool = False
) -> Decoded[T]:
    """Read a body in whichever form it came. Raises StatusError 400, 413, 415."""
    media_type = body_media_type(call.request.headers.get("content-type", ""))
    body = await call.request.body()
    if media_type == PROTOBUF:
        # A message has no unknown or duplicate fields in the sense of field validation.
        return Decoded(decode_protobuf(body, struct, kind=kind), [])
    yaml = media_type == YAML
    return decode(body, struct, yaml=yaml, kind=kind, version=version, find=find)


def check_kind(call: Call, obj: Object) -> None:
    """An object may leave its kind and version out, but must not say others."""
    resource = call.shown
    if obj.kind not in ("", resource.kind):
        # Told as Go names the types: the version's package, and the group's internal one.
        version = obj.apiVersion.rpartition("/")[2] or resource.version
        internal = resource.group.partition(".")[0] or "core"
        raise bad_request(
            f'{obj.kind} in version "{version}" cannot be handled as a {resource.kind}: '
            f"converting ({version}.{obj.kind}) to ({internal}.{resource.kind}): "
            "unknown conversion"
        )
    if obj.apiVersion not in ("", resource.api_version):
        raise bad_request(
            f"the API version in the data ({obj.apiVersion}) does not match the expected API "
            f"version ({resource.api_version})"
        )


def report_findings(call: Call, findings: list[str], validation: str) -> None:
    """Unknown and duplicate fields: a refusal when strict, else warnings."""
    if not findings:
        return
    if validation == STRICT:
        resource = call.shown
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: strict decoding error: {', '.join(findings)}"
        )
    for finding in findings:
        call.request.warn(finding)


def write_context(call: Call, options_kind: str) -> RequestContext:
    """The context of a create, update or patch. Raises StatusError 422 for bad options.

    ``options_kind`` is what upstream calls them in the message, such as ``CreateOptions``.
    """
    query = call.query
    dry_run, validation = query.get("dryRun", []), call.target.first("fieldValidation")
    manager = call.target.first("fieldManager")
    check_options(options_kind, validate_write_options(dry_run, manager, validation))
    return call.context(
        dry_run=bool(dry_run),
        field_manager=manager_of(call, manager),
        field_validation=validation or WARN,
        options=options_tree(dry_run, manager, validation),
    )


def options_tree(dry_run: list[str], manager: str, validation: str) -> dict[str, Any]:
    """What the client gave of its write options, as admission webhooks are shown it."""
    tree: dict[str, Any] = {}
    if dry_run:
        tree["dryRun"] = dry_run
    if manager:
        tree["fieldManager"] = manager
    if validation:
        tree["fieldValidation"] = validation
    return tree


def check_options(kind: str, errors: list[Any]) -> None:
    """Refuse options with findings."""
    if errors:
        raise invalid(GroupKind("meta.k8s.io", kind), "", errors)
