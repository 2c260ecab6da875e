"""kubectl's client-side apply keeps what it applied in an annotation: the way over from there.

When ``kubectl`` applies on the server what it used to apply itself, its own earlier changes are no
conflicts, and the annotation is kept up to date for older kubectls. Other managers see no
difference.
"""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.api.apply.configuration import problems
from strongroom.api.apply.fieldset import Fields, FieldsError
from strongroom.api.apply.ownership import compare, mentioned
from strongroom.api.apply.shape import Shape
from strongroom.api.jsontext import read_json
from strongroom.api.lenient import UnreadableError

Tree = dict[str, Any]

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"

_MAX_DEPTH = 200
_MAX_ANNOTATIONS = 256 * 1024


def untouched(live: Tree, shape: Shape, version: str) -> Fields:
    """The fields that client-side apply set, and that are still as it set them."""
    text = _annotations(live).get(ANNOTATION)
    if not text:
        return {}
    try:
        last = read_json(text.encode(), _MAX_DEPTH)
        if not isinstance(last, dict) or last.get("apiVersion") != version or problems(last, shape):
            return {}
        return compare(last, live, shape).unchanged(mentioned(last, shape))
    except (UnreadableError, FieldsError):
        return {}


def brought_up_to_date(tree: Tree, config: Tree) -> Tree:
    """The object with the annotation that tells this configuration, if it has the annotation."""
    annotations = _annotations(tree)
    if not annotations.get(ANNOTATION):
        return tree
    updated = {**annotations, ANNOTATION: _text(config)}
    if sum(len(k.encode()) + len(v.encode()) for k, v in updated.items()) > _MAX_ANNOTATIONS:
        del updated[ANNOTATION]
    return {**tree, "metadata": {**tree["metadata"], "annotations": updated}}


def _text(config: Tree) -> str:
    meta = dict(config.get("metadata") or {})
    if annotations := meta.get("annotations"):
        meta["annotations"] = {k: text for k, text in annotations.items() if k != ANNOTATION}
    # Go's encoder of such objects ends with a line feed.
    return codec.encode({**config, "metadata": meta}).decode() + "\n"


def _annotations(tree: Tree) -> dict[str, str]:
    return (tree.get("metadata") or {}).get("annotations") or {}
