"""Whole objects inside of objects: their kind, version and metadata are those of any object.

(``apiserver/schema/objectmeta`` of apiextensions-apiserver)
"""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.api import strict
from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, invalid_value, required
from strongroom.api.lenient import UnreadableError, read
from strongroom.api.meta import ObjectMeta
from strongroom.api.meta_validation import validate_object_meta
from strongroom.api.names import dns_1035_label, path_segment
from strongroom.api.structural.model import Structural, Tree


def has_embedded(schema: Structural | None) -> bool:
    """Whether a schema, or one below it, is of a whole object."""
    if schema is None:
        return False
    known = schema.compiled.get("embedded")
    if known is None:
        inner = [*schema.properties.values(), schema.values, schema.items]
        known = schema.embedded or any(has_embedded(child) for child in inner)
        schema.compiled["embedded"] = known
    return bool(known)


def coerce(tree: Any, schema: Structural | None, path: Path) -> FieldError | None:
    """Bring the metadata of embedded objects, in place, into the form that Go would write.

    The first finding, if it cannot be done.
    """
    if schema is None or not has_embedded(schema):
        return None
    if type(tree) is dict:
        if schema.embedded and (found := _coerce_object(tree, path)):
            return found
        for name, value in tree.items():
            inner = schema.properties.get(name)
            at = path / name if inner is not None else path.key(name)
            if found := coerce(value, inner or schema.values, at):
                return found
    elif type(tree) is list:
        for i, item in enumerate(tree):
            if found := coerce(item, schema.items, path.index(i)):
                return found
    return None


def _coerce_object(tree: Tree, path: Path) -> FieldError | None:
    for name in ("apiVersion", "kind"):
        if name in tree and not isinstance(tree[name], str):
            return invalid_value(path / name, tree[name], "must be a string")
    if "metadata" in tree:
        try:
            tree["metadata"] = msgspec.to_builtins(_metadata(tree))
        except UnreadableError as error:
            return invalid_value(path / "metadata", tree["metadata"], str(error))
    return None


def _metadata(tree: Tree) -> ObjectMeta:
    given = tree["metadata"]
    return read(given, ObjectMeta) if given is not None else ObjectMeta()


def find_unknown_metadata(tree: Any, schema: Structural | None, path: str = "") -> list[str]:
    """The paths of fields in embedded metadata that metadata does not have, sorted."""
    return sorted(_unknown(tree, schema, path))


def _unknown(tree: Any, schema: Structural | None, path: str) -> list[str]:
    if schema is None or not has_embedded(schema):
        return []
    found = []
    if type(tree) is dict:
        prefix = f"{path}." if path else ""
        if schema.embedded and isinstance(tree.get("metadata"), dict):
            found += unknown_in_metadata(tree["metadata"], f"{prefix}metadata")
        for name, value in tree.items():
            inner = schema.properties.get(name)
            at = prefix + name if inner is not None else f"{path}[{name}]"
            found += _unknown(value, inner or schema.values, at)
    elif type(tree) is list:
        for i, item in enumerate(tree):
            found += _unknown(item, schema.items, f"{path}[{i}]")
    return found


def unknown_in_metadata(metadata: Any, path: str) -> list[str]:
    """The paths of fields that metadata does not have."""
    told = strict.find_unknown(metadata, ObjectMeta)
    marker = "unknown field "
    return [f"{path}.{_unquoted(text.removeprefix(marker))}" for text in told]


def _unquoted(text: str) -> str:
    return text[1:-1]


def validate_embedded(tree: Any, schema: Structural | None, path: Path) -> list[FieldError]:
    """All findings on kind, version and metadata of embedded objects."""
    if schema is None or not has_embedded(schema):
        return []
    found = []
    if type(tree) is dict:
        if schema.embedded:
            found += _validate_object(tree, path)
        for name, value in tree.items():
            inner = schema.properties.get(name)
            at = path / name if inner is not None else path.key(name)
            found += validate_embedded(value, inner or schema.values, at)
    elif type(tree) is list:
        for i, item in enumerate(tree):
            found += validate_embedded(item, schema.items, path.index(i))
    return found


def _validate_object(tree: Tree, path: Path) -> list[FieldError]:
    found = [required(path / name) for name in ("apiVersion", "kind") if name not in tree]
    if "apiVersion" in tree:
        found += _text(tree["apiVersion"], path / "apiVersion") or _api_version(
            tree["apiVersion"], path / "apiVersion"
        )
    if "kind" in tree:
        found += _text(tree["kind"], path / "kind") or _kind(tree["kind"], path / "kind")
    if "metadata" in tree:
        at = path / "metadata"
        try:
            meta = _metadata(tree)
        except UnreadableError as error:
            return [*found, invalid_value(at, tree["metadata"], str(error))]
        # Nothing is said of a name that is missing.
        meta.name = meta.name or "fakename"
        found += validate_object_meta(
            meta, bool(meta.namespace), path_segment, at, any_finalizer=True
        )
    return found


def _text(value: Any, path: Path) -> list[FieldError]:
    if not isinstance(value, str):
        return [invalid_value(path, value, "must be a string")]
    return [] if value else [invalid_value(path, value, "must not be empty")]


def _api_version(text: str, path: Path) -> list[FieldError]:
    if text.count("/") > 1:
        return [invalid_value(path, text, f"unexpected GroupVersion string: {text}")]
    return []


def _kind(text: str, path: Path) -> list[FieldError]:
    wrong = dns_1035_label(text.lower())
    detail = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
    return [invalid_value(path, text, detail)] if wrong else []
