"""The fields that an object mentions, and those in which two objects differ.

Equal parts are passed over by one comparison, so a small change to a large object costs little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from strongroom.api.apply.fieldset import (
    Fields,
    difference,
    marked,
    recursive_difference,
    union,
)
from strongroom.api.apply.shape import ABSENT as _ABSENT
from strongroom.api.apply.shape import Form, Shape

Tree = dict[str, Any]


def mentioned(tree: Tree, shape: Shape) -> Fields:
    """Every leaf, map entry and list item of a tree. Raises FieldsError for an item without key."""
    out: Fields = {}
    for name, value in tree.items():
        inner = shape.field(name)
        if inner is None:
            continue
        inner = inner.seen(value)
        if inner.form is Form.LEAF or value is None or value == {}:
            node: Fields = {}
        else:
            node = _mentioned_below(value, inner)
            if shape.is_entry(name):
                node = marked(node)
            elif not node:
                continue
        out[f"f:{name}"] = node
    return out


def _mentioned_below(value: Any, shape: Shape) -> Fields:
    if shape.form in (Form.RECORD, Form.MAP):
        return mentioned(value, shape)
    out: Fields = {}
    for element, items in _grouped(value, shape).items():
        alone = len(items) == 1 and shape.item.form is not Form.LEAF and items[0]
        out[element] = marked(_mentioned_below(items[0], shape.item)) if alone else {}
    return out


def _grouped(items: list[Any] | None, shape: Shape) -> dict[str, list[Any]]:
    """The items of a list by their elements; an invalid object may have several of one."""
    out: dict[str, list[Any]] = {}
    for item in items or ():
        out.setdefault(shape.element(item), []).append(item)
    return out


@dataclass(slots=True)
class Comparison:
    """In what two objects differ. No field is in more than one of the sets."""

    removed: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    added: Fields = field(default_factory=dict)

    def without(self, ignored: Fields) -> Comparison:
        """The comparison that never looked at some fields nor at what is below them."""
        if not ignored:
            return self
        return Comparison(
            recursive_difference(self.removed, ignored),
            recursive_difference(self.modified, ignored),
            recursive_difference(self.added, ignored),
        )

    def changed(self) -> Fields:
        """The fields that the newer object has and the older had not, or had otherwise."""
        return union(self.modified, self.added)

    def unchanged(self, fields: Fields) -> Fields:
        """Those of a set that are in neither of the three."""
        return difference(difference(fields, self.changed()), self.removed)


def compare(old: Tree, new: Tree, shape: Shape) -> Comparison:
    """How ``new`` differs from ``old``. Raises FieldsError for a list item without its key."""
    out = Comparison()
    _compare_members(old, new, shape, out)
    return out


def _compare_members(old: Tree, new: Tree, shape: Shape, out: Comparison) -> None:
    if not old and shape.inner is not None and shape.inner.form is Form.LEAF:
        # All entries of a new map, such as a Secret's data.
        out.added = {f"f:{name}": {} for name in new}
        return
    for name, value in new.items():
        before = old.get(name, _ABSENT)
        if before is not value and before != value:
            inner = shape.field(name)
            if inner is None:
                continue
            if inner.form is Form.LEAF:
                (out.added if before is _ABSENT else out.modified)[f"f:{name}"] = {}
            else:
                _compare(f"f:{name}", before, value, inner, out)
    if old.keys() <= new.keys():
        return
    for name, value in old.items():
        if name not in new and (inner := shape.field(name)) is not None:
            _compare(f"f:{name}", value, _ABSENT, inner, out)


def _compare(element: str, old: Any, new: Any, shape: Shape, out: Comparison) -> None:
    """Add what differs at and below one element to the sets of the level above."""
    opening = shape.form is Form.ANY and not _is_empty(old) and not isinstance(old, dict)
    if opening and isinstance(new, dict) and new:
        # It has become an object: all in it is new.
        out.added[element] = compare({}, new, shape.opened).added
    shape = shape.seen(old, new)
    if shape.form is Form.LEAF or (_is_empty(old) and _is_empty(new)):
        target = _target(old, new, out)
        target[element] = {}
        return
    below = Comparison()
    if shape.form in (Form.RECORD, Form.MAP):
        _compare_members(_container(old, {}), _container(new, {}), shape, below)
    else:
        _compare_items(_container(old, []), _container(new, []), shape, below)
    if old is _ABSENT:
        below.added = marked(below.added)
        out.added[element] = below.added
    elif below.added:
        out.added[element] = below.added
    if new is _ABSENT:
        out.removed[element] = marked(below.removed)
    elif below.removed:
        out.removed[element] = below.removed
    if below.modified:
        out.modified[element] = below.modified


def _target(old: Any, new: Any, out: Comparison) -> Fields:
    if old is _ABSENT:
        return out.added
    return out.removed if new is _ABSENT else out.modified


def _is_empty(value: Any) -> bool:
    return value is _ABSENT or not value


def _container(value: Any, empty: Any) -> Any:
    """What is of another type than its schema has nothing in it; validation will say so."""
    return value if isinstance(value, type(empty)) else empty


def _compare_items(old: list[Any], new: list[Any], shape: Shape, out: Comparison) -> None:
    before, after = _grouped(old, shape), _grouped(new, shape)
    for element in before | after:
        lefts, rights = before.get(element, []), after.get(element, [])
        if len(lefts) < 2 and len(rights) < 2:
            left = lefts[0] if lefts else _ABSENT
            right = rights[0] if rights else _ABSENT
            if left != right:
                _compare(element, left, right, shape.item, out)
        elif lefts != rights:
            _compare_repeated(element, lefts, rights, shape, out)


def _compare_repeated(
    element: str, lefts: list[Any], rights: list[Any], shape: Shape, out: Comparison
) -> None:
    """Where items share a key they are owned as one; the object is invalid, but may be stored."""
    if len(lefts) > 1 and len(rights) > 1:
        out.modified[element] = {}
    elif len(lefts) > 1:
        if rights:
            _compare(element, _ABSENT, rights[0], shape.item, out)
        out.removed[element] = {}
    else:
        if lefts:
            _compare(element, lefts[0], _ABSENT, shape.item, out)
        out.added[element] = {}
