"""Ways through a schema of a definition in its plain form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Tree = dict[str, Any]

_MAPS = ("properties", "patternProperties", "definitions", "dependencies")
_ONES = ("items", "additionalProperties", "additionalItems", "not")
_LISTS = ("allOf", "oneOf", "anyOf", "items")


def schemas(tree: Tree) -> Iterator[Tree]:
    """The schema and every schema within it, outer ones first."""
    pending = [tree]
    while pending:
        schema = pending.pop()
        yield schema
        below: list[Any] = [schema.get(name) for name in _ONES]
        for name in _MAPS:
            entries = schema.get(name)
            below += entries.values() if isinstance(entries, dict) else ()
        for name in _LISTS:
            entries = schema.get(name)
            below += entries if isinstance(entries, list) else ()
        pending += (one for one in reversed(below) if isinstance(one, dict))
