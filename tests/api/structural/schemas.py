"""Schemas for tests, in the short form in which people think of them."""

from __future__ import annotations

from typing import Any

from strongroom.api.findings import Path
from strongroom.api.structural import Structural, parse

Tree = dict[str, Any]


def obj(**properties: Tree) -> Tree:
    """The schema of an object with these fields."""
    return {"type": "object", "properties": properties}


def parsed(tree: Tree) -> Structural:
    """The schema of a tree that must be a valid one."""
    schema, found = parse(tree, Path())
    assert schema is not None, [str(finding) for finding in found]
    return schema


def spec(**properties: Tree) -> Structural:
    """The schema of a whole object whose ``spec`` has these fields."""
    return parsed(obj(spec=obj(**properties)))


STRING: Tree = {"type": "string"}
INTEGER: Tree = {"type": "integer"}
ANYTHING: Tree = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def array(items: Tree, **words: Any) -> Tree:
    """The schema of a list."""
    return {"type": "array", "items": items, **words}


def list_type(name: str, *keys: str) -> Tree:
    """The words that make a list one of a type."""
    words: Tree = {"x-kubernetes-list-type": name}
    return {**words, "x-kubernetes-list-map-keys": list(keys)} if keys else words


def findings(tree: Any, *, status: bool = False) -> list[str]:
    """The findings on a schema that stands at ``s``."""
    schema, found = parse(tree, Path("s"), status=status)
    assert (schema is None) == bool(found)
    return [str(finding) for finding in found]
