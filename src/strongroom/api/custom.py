"""Custom objects: metadata as of any kind, and a content that only their CRD's schema knows.

The content is a plain JSON tree, kept as it came: unlike in built-in kinds, what is empty stays.
Reading one prunes what the schema does not have. Each version of a custom kind is a type of its
own, made when the CRD is established and forgotten with it: nothing may cache by it for good.
(``customresource_handler.go`` of apiextensions-apiserver)
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

import msgspec

from strongroom.api.findings import Path
from strongroom.api.lenient import UnreadableError
from strongroom.api.lenient import read as read_struct
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.schema import F
from strongroom.api.structural import embedded, walking
from strongroom.api.structural.model import Structural

Tree = dict[str, Any]

_HEAD = ("apiVersion", "kind", "metadata")
_MAX_INT64 = (1 << 63) - 1
# A text without these has no number that Go would read as another one than Python does.
_ODD_NUMBER = re.compile(rb"[0-9][.eE]|[0-9]{19}")
_encoder = msgspec.json.Encoder(order="deterministic")
_MAX_FINDINGS = 100


class MissingTypeError(UnreadableError):
    """A custom object that does not say its kind or version; built-in kinds need not."""


class CustomObject(Object):
    """An object of a kind that a CRD declares. ``content`` is all but type and metadata."""

    api_version: ClassVar[str] = ""
    kind_name: ClassVar[str] = ""
    structural: ClassVar[Structural | None] = None
    """The schema; without one, all fields are kept as they are."""

    content: Annotated[dict[str, Any], F(0, "All fields but type and metadata.")] = {}


def custom_type(
    group: str, version: str, kind: str, schema: Structural | None
) -> type[CustomObject]:
    """The type of a custom kind's objects in one version."""
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{kind} of {group}/{version}.",
        "__annotations__": {},
        "api_version": f"{group}/{version}",
        "kind_name": kind,
        "structural": schema,
    }
    meta: Any = type(CustomObject)
    made: type[CustomObject] = meta(kind, (CustomObject,), namespace)
    return made


def is_custom(struct: type[Any]) -> bool:
    """Whether a type is one of custom objects."""
    return issubclass(struct, CustomObject)


def encode(obj: CustomObject) -> bytes:
    """The JSON of an object: type and metadata first, as the store wants it, keys sorted."""
    head = _encoder.encode(Object(kind=obj.kind, apiVersion=obj.apiVersion, metadata=obj.metadata))
    if not obj.content:
        return head
    return head[:-1] + b"," + _encoder.encode(obj.content)[1:]


def to_tree(obj: CustomObject) -> Tree:
    """The plain JSON tree of an object, which shares nothing with it."""
    tree: Tree = msgspec.json.decode(encode(obj))
    return tree


def view_tree(obj: CustomObject) -> Tree:
    """Like :func:`to_tree`, but sharing the content: for looking only."""
    head: Tree = msgspec.to_builtins(
        Object(kind=obj.kind, apiVersion=obj.apiVersion, metadata=obj.metadata)
    )
    return {**head, **obj.content}


def copy(obj: Any) -> Any:
    """An object that shares nothing with this one."""
    metadata = msgspec.convert(msgspec.to_builtins(obj.metadata), ObjectMeta)
    return type(obj)(
        kind=obj.kind,
        apiVersion=obj.apiVersion,
        metadata=metadata,
        content=_copied(obj.content),
    )


def read(tree: Any, struct: type[Any], *, fresh: bool = False) -> Any:
    """The object of a tree, pruned. A ``fresh`` tree is used up; another stays as it is.

    Raises UnreadableError.
    """
    if not isinstance(tree, dict):
        # The words for what is no object at all are the same for every type.
        read_struct(tree, Object)
    for name in ("kind", "apiVersion"):
        given = tree.get(name)
        if not isinstance(given, str) or not given:
            raise MissingTypeError(f"Object '{'Kind' if name == 'kind' else name}' is missing")
    metadata = tree.get("metadata")
    meta = read_struct(metadata, ObjectMeta) if metadata is not None else ObjectMeta()
    content = {name: value for name, value in tree.items() if name not in _HEAD}
    if not fresh:
        content = _copied(content)
    _in_order(content, struct.structural)
    return struct(kind=tree["kind"], apiVersion=tree["apiVersion"], metadata=meta, content=content)


def _in_order(content: Tree, schema: Structural | None) -> None:
    walking.prune(content, schema)
    wrong = embedded.coerce(content, schema, Path())
    if wrong is not None:
        raise UnreadableError(str(wrong))


def set_defaults(obj: CustomObject) -> None:
    """Fill in what the schema says of missing fields."""
    schema = obj.structural
    if schema is not None and walking.has_defaults(schema):
        walking.set_defaults(obj.content, schema)


def plain_numbers(body: bytes, tree: Any) -> Any:
    """The tree of a JSON text with its numbers as Go reads them.

    An integer beyond 64 bits is a float, and a whole float is written back without a fraction.
    """
    if not _ODD_NUMBER.search(body):
        return tree
    # In a list, so that a tree that is a number has a place, too. Does not recurse.
    whole = [tree]
    stack: list[Any] = [whole]
    while stack:
        node = stack.pop()
        places = node.items() if type(node) is dict else enumerate(node)
        for place, value in places:
            kind = type(value)
            if kind is dict or kind is list:
                stack.append(value)
            elif kind is int or kind is float:
                node[place] = _plain(value)
    return whole[0]


def _plain(number: float) -> float:
    if isinstance(number, int):
        return number if -_MAX_INT64 - 1 <= number <= _MAX_INT64 else float(number)
    whole = number.is_integer() and abs(number) <= _MAX_INT64
    return int(number) if whole else number


def _copied(content: Tree) -> Tree:
    """A copy by way of the text: content may be deeper than Python can walk."""
    copied: Tree = msgspec.json.decode(_encoder.encode(content))
    return copied


def find_unknown(tree: Any, struct: type[Any]) -> list[str]:
    """Fields that the type does not have, as ``unknown field "spec.foo"``: of metadata first."""
    if not isinstance(tree, dict):
        return []
    schema = struct.structural
    paths = embedded.unknown_in_metadata(tree.get("metadata"), "metadata")
    paths += walking.find_unknown(tree, schema)
    paths += embedded.find_unknown_metadata(
        {name: value for name, value in tree.items() if name not in _HEAD}, schema
    )
    return [f'unknown field "{path}"' for path in dict.fromkeys(paths)][:_MAX_FINDINGS]
