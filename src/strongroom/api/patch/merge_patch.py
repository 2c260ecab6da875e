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
