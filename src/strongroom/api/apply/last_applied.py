"""kubectl's client-side apply keeps what it applied in an annotation: the way over from there.

When ``kubectl`` applies on the server what it used to apply itself, its own earlier changes are no
conflicts, and the annotation is kept up to date for older kubectls. Other managers see no
difference.

In the annotation of a Secret a mark stands for each value (:mod:`strongroom.resources.last_applied`
puts it there). Whether such a value is still as it was applied is told by its owner.
"""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.api.apply.configuration import problems
from strongroom.api.apply.fieldset import Fields, FieldsError, difference
from strongroom.api.apply.owners import Manager, Owners
from strongroom.api.apply.ownership import compare, mentioned
from strongroom.api.apply.shape import Shape
from strongroom.api.jsontext import read_json
from strongroom.api.lenient import UnreadableError

Tree = dict[str, Any]

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"
MASK = "masked/by/strongroom"
"""Stands for a value. It is valid base64, as a value in ``data`` must be, and says what it is."""

_MAX_DEPTH = 200
_MAX_ANNOTATIONS = 256 * 1024


def untouched(live: Tree, shape: Shape, version: str) -> Fields:
    """The fields that client-side apply set, and that are still as it set them."""
    last = _last(live)
    try:
        if last.get("apiVersion") != version or problems(last, shape):
            return {}
        return compare(last, live, shape).unchanged(mentioned(last, shape))
    except FieldsError:
        return {}


def beyond_masked(
    conflicts: dict[Manager, Fields], live: Tree, owners: Owners
) -> dict[Manager, Fields]:
    """The conflicts that are left when a masked value counts as untouched.

    It does where its owner wrote the annotation too: nobody has changed either since.
    """
    data = _last(live).get("data")
    if not isinstance(data, dict):
        return conflicts
    marked: Fields = {"f:data": {f"f:{key}": {} for key, text in data.items() if text == MASK}}
    rest = {
        manager: difference(fields, marked) if _wrote_annotation(owners, manager) else fields
        for manager, fields in conflicts.items()
    }
    return {manager: fields for manager, fields in rest.items() if fields}


def brought_up_to_date(tree: Tree, config: Tree) -> Tree:
    """The object with the annotation that tells this configuration, if it has the annotation."""
    annotations = _annotations(tree)
    if not annotations.get(ANNOTATION):
        return tree
    updated = {**annotations, ANNOTATION: _text(config)}
    if sum(len(k.encode()) + len(v.encode()) for k, v in updated.items()) > _MAX_ANNOTATIONS:
        del updated[ANNOTATION]
    return {**tree, "metadata": {**tree["metadata"], "annotations": updated}}


def _last(live: Tree) -> Tree:
    """What was applied last; empty when the annotation does not tell."""
    try:
        last = read_json(_annotations(live).get(ANNOTATION, "").encode(), _MAX_DEPTH)
    except UnreadableError:
        return {}
    return last if isinstance(last, dict) else {}


def _wrote_annotation(owners: Owners, manager: Manager) -> bool:
    fields: Any = owners[manager].fields if manager in owners else {}
    for step in ("f:metadata", "f:annotations", f"f:{ANNOTATION}"):
        fields = fields.get(step)
        if fields is None:
            return False
    return True


def _text(config: Tree) -> str:
    meta = dict(config.get("metadata") or {})
    if annotations := meta.get("annotations"):
        meta["annotations"] = {k: text for k, text in annotations.items() if k != ANNOTATION}
    # Go's encoder of such objects ends with a line feed.
    return codec.encode({**config, "metadata": meta}).decode() + "\n"


def _annotations(tree: Tree) -> dict[str, str]:
    return (tree.get("metadata") or {}).get("annotations") or {}
