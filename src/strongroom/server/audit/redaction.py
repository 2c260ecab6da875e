"""Values out of JSON trees, by the marks of the schema; in place of each stands a keyed hash.

What a field may hold is a :class:`Node`, made once of a kind's declaration, or of a custom kind's
schema. A tree is walked beside it, and whatever stands below a mark is replaced. Objects of a kind
hold nothing that the kind does not declare, so of them only what leads to a mark is walked. Patches
may hold anything: there, whatever nobody declared is replaced as well.

The walk changes the tree it is given and does not recurse: trees may be deeper than Python's stack.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

from strongroom.api import codec
from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.api.jsontext import read_json
from strongroom.api.lenient import UnreadableError, decode_base64
from strongroom.server.audit.marks import (
    FREE,
    HIDE_BYTES,
    HIDE_TEXT,
    KEEP,
    Annotations,
    Each,
    Fields,
    FieldSet,
    Free,
    Hide,
    LastApplied,
    Listed,
    Node,
    embedded_node,
)

PREFIX = "hmac-sha256:"
_HEX = 32
_MAX_DEPTH = 200
_PATCH_WORDS = frozenset({"merge", "replace", "delete"})
_PLACES = ("path", "from")
_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})

_UNSAID = {"data": HIDE_BYTES, "stringData": HIDE_TEXT}
"""Where any JSON may stand, a patch need not say of which kind the object is that it changes: what
is named so may be a Secret's."""

Work = tuple[Any, Any, Node]
"""A value that is to be looked at: what holds it, where there, and what it may be."""


class Redaction:
    """Takes the values out of trees. Equal values give equal hashes, in whatever form they came."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<Redaction>"

    def stand_in(self, value: bytes) -> str:
        """What stands in place of a value: of no use without the key, and the same each time."""
        return PREFIX + hmac.digest(self._key, value, "sha256").hex()[:_HEX]

    def of_object(self, tree: Any, node: Node) -> Any:
        """An object as a kind declares it, or a list of such; the tree is used up."""
        return _Walk(self, strict=False).whole(tree, node)

    def of_patch(self, tree: Any, node: Node) -> Any:
        """A patch that has the form of the object, as merge patches and apply's have."""
        return _Walk(self, strict=True).whole(tree, node)

    def of_json_patch(self, tree: Any, node: Node) -> Any:
        """A JSON patch: each value by the place that it is for."""
        walk = _Walk(self, strict=True)
        if not isinstance(tree, list):
            return walk.whole(tree, HIDE_TEXT)
        return [self._operation(walk, operation, node) for operation in tree]

    def _operation(self, walk: _Walk, operation: Any, node: Node) -> Any:
        if not isinstance(operation, dict):
            return walk.whole(operation, HIDE_TEXT)
        told = {}
        path = operation.get("path")
        for name, value in operation.items():
            if name == "value" and isinstance(path, str) and _is_pointer(path):
                told[name] = walk.whole(value, _at(node, path))
            elif _is_plain(name, value):
                told[name] = value
            else:
                told[name] = walk.whole(value, HIDE_TEXT)
        return told


def without_managed_fields(tree: Any) -> Any:
    """The object, or the list of objects, without what is told of its fields' owners."""
    items = tree.get("items") or [row.get("object") for row in tree.get("rows") or ()]
    for obj in (tree, *items):
        metadata = obj.get("metadata") if isinstance(obj, dict) else None
        if isinstance(metadata, dict):
            metadata.pop("managedFields", None)
    return tree


def _is_plain(name: str, value: Any) -> bool:
    """Whether a member of an operation is one of the words and places that it may be."""
    if not isinstance(value, str):
        return False
    return value in _OPERATIONS if name == "op" else name in _PLACES and _is_pointer(value)


def _is_pointer(path: str) -> bool:
    return not path or path.startswith("/")


def _at(node: Node, pointer: str) -> Node:
    """What may stand at a place of an object."""
    for token in pointer.split("/")[1:]:
        node = _below(node, token.replace("~1", "/").replace("~0", "~"))
    return node


def _below(node: Node, name: str) -> Node:
    match node:
        case Fields():
            if node.listed is not None and name in node.listed.fields:
                return node.listed.fields[name]
            return node.field(name)
        case Each():
            return node.item
        case Annotations():
            return LastApplied(node.owner) if name == ANNOTATION else KEEP
        case Free():
            return _UNSAID.get(name, FREE)
        case Hide():
            return node
        case _:
            return HIDE_TEXT


class _Walk:
    """One walk; ``strict`` replaces what nobody declared, as a patch may hold anything."""

    def __init__(self, redaction: Redaction, *, strict: bool) -> None:
        self._redaction = redaction
        self._strict = strict

    def whole(self, tree: Any, node: Node) -> Any:
        """The tree without its values."""
        holder = [tree]
        work: list[Work] = [(holder, 0, node)]
        while work:
            place, key, node = work.pop()
            value = place[key]
            if value is None or not (self._strict or node.leads):
                continue
            if isinstance(value, (dict, list)):
                work += self._inner(place, key, value, node)
            elif node is not KEEP:
                self._leaf(place, key, value, node)
        return holder[0]

    def _leaf(self, place: Any, key: Any, value: Any, node: Node) -> None:
        match node:
            case Hide():
                if key != "$patch" or value not in _PATCH_WORDS:
                    place[key] = self._hidden(value, node)
            case LastApplied():
                place[key] = self._last_applied(value, node)
            case Free():
                pass
            case _:
                # There should be more here than one value: nobody can tell what it is.
                place[key] = self._hidden(value, HIDE_TEXT)

    def _inner(self, place: Any, key: Any, value: Any, node: Node) -> Iterator[Work]:
        """What is to be looked at within an object or a list."""
        match node:
            case Fields() if isinstance(value, dict):
                yield from self._members(value, node)
            case Each() if type(value) is node.of:
                yield from _all(value, node.item)
            case Annotations() if isinstance(value, dict):
                for name in value:
                    yield value, name, _below(node, name)
            case Free():
                yield from self._free(place, key, value)
            case FieldSet():
                place[key] = self._field_set(value)
            case Hide():
                yield from _all(value, node)
            case _:
                yield from _all(value, HIDE_TEXT)

    def _free(self, place: Any, key: Any, value: Any) -> Iterator[Work]:
        """What is to be looked at where any JSON may stand."""
        node = embedded_node(value) if isinstance(value, dict) else FREE
        if node is not FREE:
            place[key] = _Walk(self._redaction, strict=not _by_list(node)).whole(value, node)
        elif self._strict and isinstance(value, dict):
            for name in value:
                yield value, name, _below(FREE, name)
        else:
            yield from _all(value, FREE)

    def _members(self, value: dict[str, Any], node: Fields) -> Iterator[Work]:
        listed = node.listed
        maps = listed.fields if listed is not None else {}
        if listed is not None:
            names = None if self._strict else listed.names_in(value)
            if names is not None and not names:
                return
            yield from _listed(value, listed, names)
        for name in value:
            if name in maps:
                continue
            if name.startswith("$") and self._strict:
                yield from _directive(value, name, node)
            else:
                yield value, name, node.field(name)

    def _hidden(self, value: Any, node: Hide) -> str:
        if not isinstance(value, str):
            return self._redaction.stand_in(codec.encode(value))
        if value == MASK:
            return value
        if node.encoded:
            try:
                return self._redaction.stand_in(decode_base64(value))
            except ValueError:
                pass
        return self._redaction.stand_in(value.encode("utf-8", "surrogatepass"))

    def _last_applied(self, text: Any, node: LastApplied) -> str:
        """The manifest that kubectl left in an annotation, which a patch's rules hold for."""
        if not isinstance(text, str):
            return self._hidden(text, HIDE_TEXT)
        try:
            tree = read_json(text.encode(), _MAX_DEPTH)
        except (UnreadableError, UnicodeEncodeError):
            return self._hidden(text, HIDE_TEXT)
        walked = _Walk(self._redaction, strict=True).whole(tree, node.owner)
        return codec.encode(walked).decode()

    def _field_set(self, fields: Any) -> Any:
        """Who owns which fields, without the values of which some fields' names are made."""
        holder = [fields]
        work: list[tuple[Any, Any]] = [(holder, 0)]
        while work:
            place, key = work.pop()
            if isinstance(place[key], dict):
                made = {self._field_name(name): inner for name, inner in place[key].items()}
                place[key] = made
                work += [(made, name) for name in made]
        return holder[0]

    def _field_name(self, name: str) -> str:
        if name.startswith(("v:", "k:")):
            return name[:2] + self._redaction.stand_in(name[2:].encode("utf-8", "surrogatepass"))
        return name


def _by_list(node: Node) -> bool:
    """Whether objects say themselves which of their values are marked, as ConfigMaps do."""
    if isinstance(node, Fields) and isinstance(items := node.fields.get("items"), Each):
        node = items.item
    return isinstance(node, Fields) and node.listed is not None


def _all(value: Any, node: Node) -> Iterator[Work]:
    places = value.keys() if isinstance(value, dict) else range(len(value))
    return ((value, place, node) for place in list(places))


def _listed(value: dict[str, Any], listed: Listed, names: set[str] | None) -> Iterator[Work]:
    """The values by these keys, or all, of the maps whose marked keys an object lists."""
    for field, hide in listed.fields.items():
        inner = value.get(field)
        if isinstance(inner, dict):
            for name in inner.keys() if names is None else inner.keys() & names:
                yield inner, name, hide
        elif field in value:
            yield value, field, hide


def _directive(value: dict[str, Any], name: str, node: Fields) -> Iterator[Work]:
    """A word to strategic merge: what it says of a field is looked at as that field."""
    what, _, field = name.partition("/")
    if what == "$patch":
        yield value, name, HIDE_TEXT
    elif what == "$retainKeys" and isinstance(value[name], list):
        names = value[name]
        known = [isinstance(one, str) and one in node.fields for one in names]
        yield from ((names, i, HIDE_TEXT) for i, fine in enumerate(known) if not fine)
    else:
        yield value, name, node.field(field)
