"""JSON merge patch (RFC 7386)."""

from __future__ import annotations

from typing import Any

from strongroom.api.jsontext import copy_tree


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """The result of the patch; ``null`` removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy_tree(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_merge_patch(result.get(key), value)
    return result


def make_merge_patch(old: Any, new: Any) -> Any:
    """A patch that turns ``old`` into ``new``, provided that ``new`` holds no nulls."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return copy_tree(new)
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old:
            patch[key] = copy_tree(value)
        elif old[key] != value or type(old[key]) is not type(value):
            patch[key] = make_merge_patch(old[key], value)
    return patch
