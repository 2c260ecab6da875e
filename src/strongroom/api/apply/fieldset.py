"""Sets of fields in the form of FieldsV1, and their algebra.

A set is the tree that FieldsV1 writes: its keys are path elements (``f:NAME`` of a field or map
entry, ``k:{...}`` of a list item by key, ``v:...`` of an item of a set), its values the sets below.
An element is a member itself when its tree is empty or has ``"."``. So reading and writing cost
next to nothing. Sets are shared freely: no function changes what it is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from strongroom.api.gotext import quote

Fields = dict[str, Any]
"""A set of fields; its values are sets, too."""

SELF = "."
_MEMBER: Fields = {}
_LISTED = ("k:", "v:")
# Go's encoder writes these so that JSON can stand in a web page.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class FieldsError(ValueError):
    """A tree that is no set of fields."""


def is_member(node: Fields) -> bool:
    """Whether the element that leads to ``node`` is in the set itself."""
    return not node or SELF in node


def marked(node: Fields) -> Fields:
    """``node`` as that of an element that is in the set itself."""
    return node if not node or SELF in node else {SELF: {}, **node}


def union(a: Fields, b: Fields) -> Fields:
    """What is in either set."""
    if not a or not b:
        return a or b
    out = dict(a)
    for element, node in b.items():
        present = out.get(element)
        out[element] = node if present is None else _joined(present, node)
    return out


def _joined(a: Fields, b: Fields) -> Fields:
    if not a:
        return marked(b)
    return union(a, b) if b else marked(a)


def difference(a: Fields, b: Fields) -> Fields:
    """What is in ``a`` but not in ``b``. A field stays when only some parent of it is in ``b``."""
    out = {}
    for element, node in a.items():
        other = b.get(element)
        if other is None:
            out[element] = node
            continue
        member = is_member(node) and not is_member(other)
        _put(out, element, difference(_below(node), other), member=member)
    return out


def recursive_difference(a: Fields, b: Fields) -> Fields:
    """What is in ``a`` and neither in ``b`` nor below anything in ``b``."""
    out = {}
    for element, node in a.items():
        other = b.get(element)
        if other is None:
            out[element] = node
        elif not is_member(other):
            below = recursive_difference(_below(node), other)
            _put(out, element, below, member=is_member(node))
    return out


def intersection(a: Fields, b: Fields) -> Fields:
    """What is in both sets."""
    out: Fields = {}
    for element, node in a.items():
        other = b.get(element)
        if other is not None:
            member = is_member(node) and is_member(other)
            _put(out, element, intersection(_below(node), _below(other)), member=member)
    return out


def _put(out: Fields, element: str, below: Fields, *, member: bool) -> None:
    if below:
        out[element] = marked(below) if member else below
    elif member:
        out[element] = _MEMBER


def _below(node: Fields) -> Fields:
    if SELF not in node:
        return node
    return {element: inner for element, inner in node.items() if element != SELF}


def contains(fields: Fields, path: tuple[str, ...]) -> bool:
    """Whether the field at ``path`` is in the set."""
    node = fields
    for element in path:
        if element not in node:
            return False
        node = node[element]
    return bool(path) and is_member(node)


def paths(fields: Fields) -> Iterator[tuple[str, ...]]:
    """Every field in the set: those of a level before those below, in upstream's order."""
    return _paths(fields, ())


def _paths(fields: Fields, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    elements = sorted((e for e in fields if e != SELF), key=_order)
    yield from ((*prefix, e) for e in elements if is_member(fields[e]))
    for element in elements:
        yield from _paths(fields[element], (*prefix, element))


def _order(element: str) -> tuple[Any, ...]:
    kind, text = element[:2], element[2:]
    if kind not in _LISTED:
        return (kind, text)
    value = json.loads(text)
    if kind == "k:":
        return (kind, [(name, _rank(v)) for name, v in sorted(value.items())])
    return (kind, _rank(value))


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts before truth values: no two kinds are compared with each other."""
    if isinstance(value, bool):
        return (2, value)
    return (0, value) if isinstance(value, (int, float)) else (1, str(value))


def key_element(key: Mapping[str, Any]) -> str:
    """The element of a list item that is known by its key."""
    return f"k:{_canonical(dict(sorted(key.items())))}"


def value_element(value: Any) -> str:
    """The element of an item of a set."""
    return f"v:{_canonical(value)}"


def _canonical(value: Any) -> str:
    return msgspec.json.encode(value).decode().translate(_ESCAPES)


def path_text(path: Iterable[str]) -> str:
    """A path as messages show it: ``.spec.containers[name="a"].image``."""
    return "".join(map(_element_text, path))


def _element_text(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "i:":
        return f"[{text}]"
    value = json.loads(text)
    if kind == "v:":
        return f"[={_shown(value)}]"
    return "[" + ",".join(f"{name}={_shown(v)}" for name, v in sorted(value.items())) + "]"


def _shown(value: Any) -> str:
    return quote(value) if isinstance(value, str) else json.dumps(value)


def read(tree: Any) -> Fields:
    """The set that somebody wrote, in our form. Raises FieldsError.

    Elements of kinds that nobody knows are left out, as upstream does.
    """
    if not isinstance(tree, dict):
        raise FieldsError("a set of fields must be an object")
    out: Fields = {}
    for element, below in tree.items():
        if element == SELF:
            out[SELF] = {}
        elif (canonical := _element(element)) is not None:
            node = read(below)
            out[canonical] = {} if node.keys() == {SELF} else node
    return out


def _element(text: str) -> str | None:
    if text.startswith("f:"):
        return text
    if text[1:2] != ":":
        raise FieldsError("a path element must begin with its kind and a colon")
    try:
        if text.startswith("k:"):
            value = json.loads(text[2:])
            if not isinstance(value, dict):
                raise FieldsError("the key of a list item must be an object")
            return key_element(value)
        if text.startswith("v:"):
            return value_element(json.loads(text[2:]))
        return f"i:{int(text[2:])}" if text.startswith("i:") else None
    except (ValueError, RecursionError):
        raise FieldsError("a path element cannot be read") from None
