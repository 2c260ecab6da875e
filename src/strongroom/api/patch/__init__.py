"""Patches: pure functions from a tree and a body to a new tree.

Server-side apply is no patch of a tree and lives elsewhere. Errors never contain the patch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from strongroom.api import custom, strict
from strongroom.api.errors import (
    GroupKind,
    StatusError,
    bad_request,
    invalid,
    too_large,
    unsupported_media_type,
)
from strongroom.api.findings import Path, invalid_value
from strongroom.api.jsontext import count_values, most_values, read_json
from strongroom.api.lenient import UnreadableError
from strongroom.api.patch.json_patch import apply_json_patch, unknown_members
from strongroom.api.patch.merge_patch import apply_merge_patch
from strongroom.api.patch.strategic import apply_strategic
from strongroom.api.schema import Struct

MAX_DEPTH = 200
"""Deepest nesting of a patch: patches are applied by recursion."""

_CUSTOM_FORMS = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)

_MAX_JSON_PATCH_VALUES = 60_000
"""Values of a JSON patch: each of its operations is four, and upstream allows ten thousand."""

Tree = dict[str, Any]


class PatchType(StrEnum):
    """The forms of a patch, by their media types."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


def apply_patch(kind: PatchType, current: Tree, body: bytes, schema: type[Struct]) -> Tree:
    """The tree that results from applying a patch; ``current`` stays as it is.

    Raises StatusError 400 for a body that is no patch of this kind, 413 for too many operations,
    415 for a strategic merge of a custom object, whose fields say nothing of merging, 422 for a
    patch that does not apply. The result need not fit the type: ``codec.from_tree`` says.
    """
    if kind is PatchType.STRATEGIC and custom.is_custom(schema):
        raise unsupported_media_type(_CUSTOM_FORMS)
    most = most_values(schema)
    try:
        patch = _read(kind, body, most)
    except UnreadableError as error:
        raise bad_request(f"error decoding patch: {error}") from None
    if kind is PatchType.JSON:
        result = apply_json_patch(current, patch)
    elif not isinstance(patch, dict):
        raise bad_request("error decoding patch: it is not a JSON object")
    elif kind is PatchType.MERGE:
        result = apply_merge_patch(current, patch)
    else:
        result = apply_strategic(current, patch, schema)
    if not isinstance(result, dict):
        reason = f"json: cannot unmarshal {_go_kind(result)} into Go value"
        finding = invalid_value(Path("patch"), "<contents omitted>", reason)
        raise invalid(GroupKind("", ""), "", [finding])
    if count_values(result) > most:
        raise too_large(f"Request entity too large: the patched object has over {most} values")
    return result


def _read(kind: PatchType, body: bytes, most: int) -> Any:
    json_patch = kind is PatchType.JSON
    return read_json(body, MAX_DEPTH, max(_MAX_JSON_PATCH_VALUES, most) if json_patch else most)


def _go_kind(value: Any) -> str:
    """What Go's decoder calls a value that is no object; nothing of the value itself."""
    names = {list: "array", str: "string", bool: "bool", type(None): "null"}
    return names.get(type(value), "number")


def find_in_patch(kind: PatchType, body: bytes, patched: Tree, schema: type[Struct]) -> list[str]:
    """What strict field validation says of a patch that has been applied.

    Duplicate fields are looked for in the patch, unknown ones in the result, as upstream does.
    """
    tree = _read(kind, body, most_values(schema))
    found = strict.find_duplicates(body, tree)
    if kind is PatchType.JSON:
        found = [f"json patch {text}" for text in [*found, *unknown_members(tree)]]
    look = custom.find_unknown if custom.is_custom(schema) else strict.find_unknown
    return [*found, *look(patched, schema)]


def refuse_findings(findings: list[str]) -> StatusError:
    """422: what ``fieldValidation=Strict`` answers to findings in a patch."""
    text = strict.strict_error(findings)
    finding = invalid_value(Path("patch"), "<contents omitted>", text)
    return invalid(GroupKind("", ""), "", [finding])
