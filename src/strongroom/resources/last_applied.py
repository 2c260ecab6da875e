"""What `kubectl apply` leaves in an annotation of a Secret, without the values.

kubectl keeps the whole manifest in ``kubectl.kubernetes.io/last-applied-configuration``, and of it
needs no more than the keys: a key that is there, and no longer in the manifest, is to be deleted.
What a key's value should be, it takes from the manifest and the object. So a mark stands for each
value here, and what a Secret does not have (a mistyped ``data``, say) is left out.
"""

from __future__ import annotations

import base64
import contextlib
import json
from functools import cache
from typing import Any

from strongroom.api import codec
from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.api.jsontext import read_json
from strongroom.api.lenient import UnreadableError
from strongroom.api.meta import ObjectMeta
from strongroom.api.schema import schema_of

EMPTY = "{}"
"""In place of a text that is no manifest: with it, the next apply deletes nothing."""

_MASK_AS_VALUE = (MASK.encode(), base64.b64decode(MASK))
_GO_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_KEPT = ("apiVersion", "kind", "type", "immutable")
_MAX_DEPTH = 200


def mask_annotation(annotations: dict[str, str]) -> bool:
    """Mask the values in the annotation of a Secret, if it is there; whether that changed it."""
    text = annotations.get(ANNOTATION)
    if not text:
        return False
    safe = masked(text)
    annotations[ANNOTATION] = safe
    return safe != text


def masked(text: str) -> str:
    """The manifest of a Secret with marks in place of its values.

    A masked text stays as it is, byte for byte. What is no JSON object, or has something else than
    maps where they belong, becomes :data:`EMPTY`: nobody can tell what in it is a value.
    """
    try:
        tree = read_json(text.encode(), _MAX_DEPTH)
    except (UnreadableError, UnicodeEncodeError):
        return EMPTY
    safe = _without_values(tree)
    if safe is None:
        return EMPTY
    if safe == tree and not _repeats(text):
        return text
    return _go_text(safe)


def fill_annotation(annotations: dict[str, str], data: dict[str, bytes]) -> bool:
    """Put the values that a Secret has in the place of their marks; whether there were any.

    For `kubectl apply` alone: what it reads then is what it would write, if nothing is to change.
    """
    text = annotations.get(ANNOTATION, "")
    if MASK not in text or masked(text) != text:
        # Nothing to fill in, or stored by another server: that is what was applied, as it was.
        return False
    tree = read_json(text.encode(), _MAX_DEPTH)
    for field, write in (("data", _base64), ("stringData", bytes.decode)):
        values = tree.get(field) or {}
        for key in values.keys() & data.keys():
            if values[key] == MASK:
                with contextlib.suppress(UnicodeDecodeError):
                    values[key] = write(data[key])
    annotations[ANNOTATION] = _go_text(tree)
    return True


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _go_text(tree: dict[str, Any]) -> str:
    """The JSON that kubectl makes: Go's encoder escapes what HTML gives a meaning to.

    These characters stand in strings only, where an escape is the same.
    """
    return codec.encode(tree).decode().translate(_GO_ESCAPES) + "\n"


def emptied_warning(new: ObjectMeta, old: ObjectMeta | None) -> list[str]:
    """A warning, if a write has emptied the annotation because it was no manifest."""
    before = old.annotations.get(ANNOTATION) if old else None
    if new.annotations.get(ANNOTATION) != EMPTY or before == EMPTY:
        return []
    return [f"metadata.annotations[{ANNOTATION}]: not the manifest of a Secret, emptied"]


def masked_data_warnings(new: dict[str, bytes], old: dict[str, bytes]) -> list[str]:
    """A warning for each value that became the mark: a masked manifest has been applied."""
    return [
        f"data[{key}]: the value is the mark that stands for a value in the annotation "
        f"{ANNOTATION}; a manifest that was taken from there has no values"
        for key, value in new.items()
        if value in _MASK_AS_VALUE and old.get(key) != value
    ]


def _without_values(tree: Any) -> dict[str, Any] | None:
    if not isinstance(tree, dict):
        return None
    safe = {key: tree[key] for key in _KEPT if _is_scalar(tree.get(key, {}))}
    for key in ("data", "stringData"):
        values = tree.get(key)
        if isinstance(values, dict):
            safe[key] = {k: None if value is None else MASK for k, value in values.items()}
        elif values is None:
            safe |= {key: None} if key in tree else {}
        else:
            return None
    if "metadata" in tree:
        meta = tree["metadata"]
        if not isinstance(meta, dict):
            return None
        safe["metadata"] = _without_itself(meta)
    return safe


def _repeats(text: str) -> bool:
    """Whether some object has a key twice: of those that a reader drops, nothing was masked."""
    found = False

    def pairs(members: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in members}) < len(members)

    # Numbers are left as they stand: Python refuses to convert long ones.
    json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return found


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _without_itself(meta: dict[str, Any]) -> dict[str, Any]:
    """Known fields of the metadata, without an annotation that holds another manifest."""
    kept = {key: value for key, value in meta.items() if key in _meta_fields()}
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and ANNOTATION in annotations:
        kept["annotations"] = {k: v for k, v in annotations.items() if k != ANNOTATION}
    return kept


@cache
def _meta_fields() -> frozenset[str]:
    return frozenset(schema_of(ObjectMeta).fields)
