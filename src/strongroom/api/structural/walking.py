"""Pruning, defaulting and the search for unknown fields: walks over a tree and its schema.

Each walk passes over what the schema shows to hold nothing for it. The trees are plain JSON; their
depth is bounded by whoever read them.
(``apiserver/schema/{pruning,defaulting}`` of apiextensions-apiserver)
"""

from __future__ import annotations

from typing import Any

from strongroom.api.jsontext import copy_tree
from strongroom.api.structural.model import Structural, Tree

_CONTAINERS = frozenset({dict, list})
META = frozenset({"apiVersion", "kind", "metadata"})


def is_clean(
    tree: Any, schema: Structural | None, *, root: bool = False, kept: bool = False
) -> bool:
    """True only if there is nothing to prune, neither unknown fields nor nulls.

    ``kept`` says that the surroundings preserve unknown fields.
    """
    if schema is None:
        return kept or _holds_nothing(tree)
    kept = kept or schema.preserve
    if type(tree) is dict:
        return _is_clean_object(tree, schema, embedded=root or schema.embedded, kept=kept)
    items = schema.items
    return type(tree) is not list or all(
        is_clean(item, items, kept=kept)
        for item in tree
        if type(item) is dict or type(item) is list
    )


def _is_clean_object(tree: Tree, schema: Structural, *, embedded: bool, kept: bool) -> bool:
    properties, values = schema.properties, schema.values
    # What is in no schema may stay where all is kept, and in a map of anything.
    others = kept or schema.additional is not None
    for name, value in tree.items():
        inner = properties.get(name, values)
        if embedded and name in META:
            continue
        if value is None or (inner is None and not others):
            return False
        if type(value) not in _CONTAINERS or (inner is None and schema.additional is None):
            continue
        if not is_clean(value, inner):
            return False
    return True


def _holds_nothing(tree: Any) -> bool:
    """Whether no object with a field stands in a tree: without a schema, all fields go.

    Does not recurse: no schema bounds how deep such a tree is.
    """
    stack = [tree]
    while stack:
        node = stack.pop()
        if type(node) is dict and node:
            return False
        if type(node) is list:
            stack += node
    return True


def prune(tree: Any, schema: Structural | None) -> None:
    """Take out of an object, in place, unknown fields, and nulls that the schema does not allow.

    ``apiVersion``, ``kind`` and ``metadata`` stay at the root and in embedded objects. A null stays
    where the schema says a default, which then replaces it. Without a schema all is kept.
    """
    if schema is not None and not is_clean(tree, schema, root=True):
        drop_unknown(tree, schema, root=True)
        drop_nulls(tree, schema)


def drop_unknown(tree: Any, schema: Structural | None, *, root: bool = False) -> None:
    """Take out, in place, fields that the schema does not have."""
    _Unknown(drop=True).walk(tree, schema, "", root=root)


def find_unknown(tree: Any, schema: Structural | None) -> list[str]:
    """The paths of an object's fields that the schema does not have, sorted."""
    if schema is None or is_clean(tree, schema, root=True):
        return []
    walk = _Unknown(drop=False)
    walk.walk(tree, schema, "", root=True)
    return sorted(walk.found)


class _Unknown:
    """One walk over fields that the schema does not have: to drop them, or to tell of them."""

    def __init__(self, *, drop: bool) -> None:
        self._drop = drop
        self.found: list[str] = []

    def walk(
        self,
        tree: Any,
        schema: Structural | None,
        path: str,
        *,
        root: bool = False,
        kept: bool = False,
    ) -> None:
        if schema is not None:
            kept = kept or schema.preserve
        elif kept:
            return
        if type(tree) is dict:
            self._object(tree, schema, path, root=root, kept=kept)
        elif type(tree) is list:
            item = schema.items if schema is not None else None
            for i, value in enumerate(tree):
                if type(value) is dict or type(value) is list:
                    self.walk(value, item, f"{path}[{i}]", kept=kept)

    def _object(
        self, tree: Tree, schema: Structural | None, path: str, *, root: bool, kept: bool
    ) -> None:
        prefix = f"{path}." if path else ""
        embedded = schema is not None and (root or schema.embedded)
        for name in list(tree):
            if embedded and name in META:
                continue
            inner = schema.field(name) if schema is not None else None
            if inner is None and (schema is None or schema.additional is None):
                if not kept:
                    self._unknown(tree, name, prefix + name)
                continue
            value = tree[name]
            if type(value) is dict or type(value) is list:
                self.walk(value, inner, prefix + name)

    def _unknown(self, tree: Tree, name: str, path: str) -> None:
        if self._drop:
            del tree[name]
        else:
            self.found.append(path)


def drop_nulls(tree: Any, schema: Structural | None) -> None:
    """Take out, in place, nulls where the schema has neither a default nor allows them."""
    if schema is None:
        return
    if type(tree) is dict:
        for name in list(tree):
            inner = schema.field(name)
            if inner is None:
                continue
            value = tree[name]
            if value is None and not inner.nullable and inner.default is None:
                del tree[name]
            elif type(value) is dict or type(value) is list:
                drop_nulls(value, inner)
    elif type(tree) is list and schema.items is not None:
        for item in tree:
            if type(item) is dict or type(item) is list:
                drop_nulls(item, schema.items)


def has_defaults(schema: Structural | None) -> bool:
    """Whether there is a default anywhere below a schema."""
    if schema is None:
        return False
    known = schema.compiled.get("defaults")
    if known is None:
        inner = [*schema.properties.values(), *filter(None, (schema.values, schema.items))]
        known = any(child.default is not None or has_defaults(child) for child in inner)
        # A null item that may not be null becomes its default, or stays null: never a change then.
        schema.compiled["defaults"] = known
    return bool(known)


def set_defaults(tree: Any, schema: Structural | None) -> None:
    """Fill in, in place, what is missing, or null against the schema, where there is a default."""
    if schema is None or not has_defaults(schema):
        return
    if type(tree) is dict:
        _default_fields(tree, schema)
    elif type(tree) is list and schema.items is not None:
        items = schema.items
        for i, item in enumerate(tree):
            if item is None and not items.nullable:
                tree[i] = copy_tree(items.default)
            set_defaults(tree[i], items)


def _default_fields(tree: Tree, schema: Structural) -> None:
    for name, inner in _defaulted(schema):
        if tree.get(name) is None and (name not in tree or not inner.nullable):
            tree[name] = copy_tree(inner.default)
    values = schema.values
    for name, value in tree.items():
        known = schema.properties.get(name)
        if known is None and values is not None:
            if value is None and not values.nullable and values.default is not None:
                # The name stays, so that walking on is safe.
                tree[name] = copy_tree(values.default)
            known = values
        if known is not None:
            set_defaults(tree[name], known)


def _defaulted(schema: Structural) -> list[tuple[str, Structural]]:
    found: list[tuple[str, Structural]] | None = schema.compiled.get("defaulted")
    if found is None:
        found = [(n, s) for n, s in schema.properties.items() if s.default is not None]
        schema.compiled["defaulted"] = found
    return found
