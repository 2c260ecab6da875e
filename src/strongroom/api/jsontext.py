"""JSON text to trees and trees to copies: the ground under the codec and the patches."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from strongroom.api.lenient import UnreadableError

MAX_VALUES = 10_000
"""Most values (objects, lists, scalars) of an object or patch. Upstream bounds only the bytes, but
three megabytes of the smallest values would keep everybody waiting while they are validated."""


def most_values(struct: type[Any]) -> int:
    """How many values an object of this type may have: ``max_values`` of the type if it says so.

    A type that allows more than others promises that validating so many stops nobody for long.
    """
    allowed: int = getattr(struct, "max_values", MAX_VALUES)
    return allowed


def read_json(body: bytes, max_depth: int, max_values: int = MAX_VALUES) -> Any:
    """The tree of a JSON text; of equal keys the last wins.

    Raises UnreadableError in words like Go's, with an offset in place of what stands there.
    """
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(_problem(error)) from None
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > max_depth and depth_of(tree) > max_depth:
        raise UnreadableError("exceeded max depth")
    if may_exceed(body, max_values) and count_values(tree) > max_values:
        raise UnreadableError("exceeded max number of values")
    return tree


def may_exceed(body: bytes, max_values: int) -> bool:
    """False only if a JSON text has no more values: each follows a comma or an open bracket."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") >= max_values


def count_values(tree: Any) -> int:
    """How many values a tree has, itself included; does not recurse."""
    count = 1
    stack = [tree]
    while stack:
        node = stack.pop()
        if type(node) is dict or type(node) is list:
            count += len(node)
            stack += node.values() if type(node) is dict else node
    return count


def depth_of(tree: Any) -> int:
    """How deep objects and lists nest; does not recurse."""
    depth = 0
    level = [tree]
    while level := [node for node in level if isinstance(node, (dict, list))]:
        depth += 1
        level = [
            child for node in level for child in (node.values() if type(node) is dict else node)
        ]
    return depth


def copy_tree(tree: Any) -> Any:
    """A copy that shares no object or list with ``tree``."""
    if isinstance(tree, dict):
        return {key: copy_tree(value) for key, value in tree.items()}
    return [copy_tree(item) for item in tree] if isinstance(tree, list) else tree


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "exceeded max depth"
    if isinstance(error, UnicodeDecodeError):
        return "invalid UTF-8"
    text = str(error)
    if "truncated" in text:
        return "unexpected end of JSON input"
    offset = re.search(r"\(byte (\d+)\)", text)
    where = f" at byte {offset[1]}" if offset else ""
    if "trailing" in text:
        return f"invalid character{where} after top-level value"
    return f"invalid character{where}"
