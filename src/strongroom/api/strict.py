"""Unknown and duplicate fields: what ``fieldValidation`` warns of or refuses.

Names are compared exactly, as upstream's decoder does. A finding tells a path and a name, never a
value. The usual body has no findings, and costs one walk over the fields of known types.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from strongroom.api.gotext import quote
from strongroom.api.schema import Struct, TypeSchema, schema_of

_KEY_END = re.compile(rb'"[ \t\r\n]*:')

_MAX_FINDINGS = 100
"""As upstream: a body with more findings is told of the first ones."""


def find(body: bytes, tree: Any, struct: type[Struct]) -> list[str]:
    """Findings on a JSON body, of which ``tree`` is the reading that lets the last key win."""
    if isinstance(tree, dict) and _has_duplicates(body, tree):
        return find_in_pairs(body, struct)
    return find_unknown(tree, struct)


def find_unknown(tree: Any, struct: type[Struct]) -> list[str]:
    """Fields of a tree that the type does not have, as ``unknown field "spec.foo"``."""
    if isinstance(tree, dict) and _is_known(tree, struct):
        return []
    found: list[str] = []
    _walk(tree, TypeSchema("struct", struct=struct), "", found)
    return _unique(found)


def find_in_pairs(body: bytes, struct: type[Struct]) -> list[str]:
    """Unknown and duplicate fields of a JSON body, in the order in which they stand there."""
    found: list[str] = []
    tree = json.loads(body, object_pairs_hook=_Pairs)
    _walk(tree, TypeSchema("struct", struct=struct), "", found)
    return _unique(found)


def find_duplicates(body: bytes, tree: Any) -> list[str]:
    """Keys that a JSON text of any type has twice, as ``duplicate field "a.b"``."""
    if not isinstance(tree, (dict, list)) or not _has_duplicates(body, tree):
        return []
    found: list[str] = []
    _walk_free(json.loads(body, object_pairs_hook=_Pairs), "", found)
    return _unique(found)


def strict_error(findings: list[str]) -> str:
    """All findings as one text, in upstream's words."""
    return "strict decoding error: " + ", ".join(findings)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its pairs, those of equal keys included."""


def _has_duplicates(body: bytes, tree: Any) -> bool:
    """False only if there are none: text that looks like a key can make it True."""
    return len(_KEY_END.findall(body)) != _count_keys(tree)


def _count_keys(tree: Any) -> int:
    count = 0
    stack = [tree]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            count += len(node)
            node = node.values()
        stack += [child for child in node if type(child) is dict or type(child) is list]
    return count


_MAZE = Struct
"""Stands below a field whose values are not looked through quickly: maps and lists of such."""


@cache
def _below(struct: type[Struct]) -> dict[str, type[Struct] | None]:
    """Every field of a type, with the type of the objects that stand there, in a list or not."""
    found: dict[str, type[Struct] | None] = {}
    for field in schema_of(struct).fields.values():
        inner = field.type.items if field.type.kind == "array" else field.type
        found[field.name] = inner.struct if inner is not None else None
        nested = inner.items if inner is not None else None
        if nested is not None and nested.kind in ("struct", "map", "array"):
            found[field.name] = _MAZE
    return found


def _is_known(node: dict[str, Any], struct: type[Struct]) -> bool:
    """True only if all fields are known: the usual case, found out without making any path."""
    fields = _below(struct)
    if not node.keys() <= fields.keys():
        return False
    for name, value in node.items():
        inner = fields[name]
        if inner is None or not value:
            continue
        if inner is _MAZE:
            return False
        items = value if type(value) is list else (value,)
        if not all(type(item) is not dict or _is_known(item, inner) for item in items):
            return False
    return True


def _walk(node: Any, type_: TypeSchema, path: str, found: list[str]) -> None:
    if len(found) >= _MAX_FINDINGS:
        return
    if type_.kind == "array" and type(node) is list and type_.items is not None:
        if _has_fields(type_.items):
            for i, item in enumerate(node):
                _walk(item, type_.items, f"{path}[{i}]", found)
    elif type_.kind == "any":
        _walk_free(node, path, found)
    elif isinstance(node, dict):
        _walk_members(node.items(), type_, path, found)
    elif isinstance(node, _Pairs):
        _walk_members(node, type_, path, found)


def _walk_members(pairs: Any, type_: TypeSchema, path: str, found: list[str]) -> None:
    seen: set[str] = set()
    fields = schema_of(type_.struct).fields if type_.struct is not None else None
    prefix = f"{path}." if path else ""
    for name, value in pairs:
        if name in seen:
            found.append(f"duplicate field {quote(prefix + name)}")
        seen.add(name)
        if fields is None:
            if type_.items is not None and isinstance(value, (dict, list)):
                _walk(value, type_.items, prefix + name, found)
        elif (field := fields.get(name)) is None:
            found.append(f"unknown field {quote(prefix + name)}")
        elif isinstance(value, (dict, list)):
            _walk(value, field.type, prefix + name, found)


def _walk_free(node: Any, path: str, found: list[str]) -> None:
    """Where any value may stand, no field is unknown, but one may be there twice."""
    if isinstance(node, _Pairs):
        seen: set[str] = set()
        prefix = f"{path}." if path else ""
        for name, value in node:
            if name in seen:
                found.append(f"duplicate field {quote(prefix + name)}")
            seen.add(name)
            _walk_free(value, prefix + name, found)
    elif type(node) is list:
        for i, item in enumerate(node):
            _walk_free(item, f"{path}[{i}]", found)


def _has_fields(type_: TypeSchema) -> bool:
    return type_.kind in ("struct", "map", "array", "any")


def _unique(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))[:_MAX_FINDINGS]
