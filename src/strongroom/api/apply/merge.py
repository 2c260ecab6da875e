"""Laying a configuration over an object, and taking fields out of an object.

Both work on JSON trees and change neither argument; parts that stay are shared, not copied.
A ``null`` in a result means that a container lost all that it held.
"""

from __future__ import annotations

from typing import Any

from strongroom.api.apply.fieldset import Fields, FieldsError, is_member, marked, path_text
from strongroom.api.apply.shape import ABSENT as _ABSENT
from strongroom.api.apply.shape import Form, Shape

Tree = dict[str, Any]


def merge(live: Tree, config: Tree, shape: Shape) -> Tree:
    """The object with the configuration laid over it: nothing is removed.

    Raises FieldsError when a list of the configuration has two items of one key.
    """
    out = dict(live)
    for name, value in config.items():
        inner = shape.field(name)
        present = live.get(name, _ABSENT)
        out[name] = value if inner is None else _merged(present, value, inner)
    return out


def _merged(live: Any, config: Any, shape: Shape) -> Any:
    if config is _ABSENT:
        return live
    shape = shape.seen(live, config)
    if shape.form is Form.LEAF or (not (live is not _ABSENT and live) and not config):
        return config
    base = None if live is _ABSENT else live
    if shape.form in (Form.RECORD, Form.MAP):
        return merge(base or {}, config or {}, shape)
    return _merged_items(base or [], config or [], shape)


def _merged_items(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    """Items of both, each once: as in the configuration where both lists have them, those of the
    object alone where they stand in it.
    """
    lefts = [(shape.element(item), item) for item in live]
    return _Weaving(lefts, _unique(config, shape), shape.item).run()


class _Weaving:
    """Two lists on their way into one: ``lefts`` the object's, ``rights`` the configuration's."""

    def __init__(self, lefts: list[tuple[str, Any]], rights: dict[str, Any], item: Shape) -> None:
        self._lefts, self._rights, self._item = lefts, rights, item
        self._known = _lookup(lefts)
        self._order = list(rights)
        self._shared = [element for element in self._order if element in self._known]
        self._shared.reverse()
        self._out: list[Any] = []

    def run(self) -> list[Any]:
        at = taken = 0
        while at < len(self._lefts) or taken < len(self._order):
            if at < len(self._lefts):
                element, item = self._lefts[at]
                if element not in self._rights:
                    self._out.append(item)
                    at += 1
                    continue
                if taken < len(self._order) and self._shared and self._shared[-1] != element:
                    # It has had its turn, or gets it where the configuration has it.
                    at += 1
                    continue
                if not self._shared or taken == len(self._order) or self._order[taken] == element:
                    at += 1
            if taken < len(self._order):
                self._take(self._order[taken])
                taken += 1
        return self._out

    def _take(self, element: str) -> None:
        present = self._known.get(element, _ABSENT)
        self._out.append(_merged(present, self._rights[element], self._item))
        if self._shared and self._shared[-1] == element:
            self._shared.pop()


def _unique(config: list[Any], shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in config:
        element = shape.element(item)
        if element in found:
            raise FieldsError(f"duplicate entries for key {path_text((element,))}")
        found[element] = item
    return found


def _lookup(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Items by element; one that is there twice is not merged with anything."""
    found: dict[str, Any] = {}
    for element, item in items:
        found[element] = None if element in found else item
    return found


def without(tree: Tree, fields: Fields, shape: Shape) -> Tree:
    """The object without the fields of a set. A container that loses all it held becomes null."""
    out: Tree = {}
    for name, value in tree.items():
        node = fields.get(f"f:{name}")
        if node is None:
            out[name] = value
        elif not is_member(node):
            inner = shape.field(name)
            out[name] = value if inner is None else _without_below(value, node, inner)
    return out


def _without_below(value: Any, fields: Fields, shape: Shape) -> Any:
    shape = shape.seen(value)
    if shape.form in (Form.RECORD, Form.MAP) and isinstance(value, dict):
        return without(value, fields, shape) or None
    if shape.form is Form.LEAF or not isinstance(value, list):
        return None if isinstance(value, (dict, list)) else value
    items = []
    for item in value:
        node = fields.get(shape.element(item))
        if node is None:
            items.append(item)
        elif not is_member(node):
            items.append(_without_below(item, node, shape.item))
    return items or None


def with_named_fields(fields: Fields, shape: Shape | None) -> Fields:
    """The set with each field of a Struct that has something of it below."""
    out: Fields = {}
    for element, node in fields.items():
        if not node:
            out[element] = node
            continue
        inner = _inner(element, shape)
        below = with_named_fields(node, inner)
        named = shape is not None and shape.form is Form.RECORD and element.startswith("f:")
        named = named and shape is not None and not shape.is_entry(element[2:])
        out[element] = marked(below) if named and inner is not None else below
    return out


def _inner(element: str, shape: Shape | None) -> Shape | None:
    if shape is None or shape.form is Form.LEAF:
        return None
    if element.startswith("f:"):
        return shape.field(element[2:]) if shape.form in (Form.RECORD, Form.MAP) else None
    return shape.item if element.startswith("k:") and shape.form is Form.LIST_MAP else None
