"""Bytes to typed objects and back: JSON and YAML, with upstream's tolerance and messages.

Decoding first tries msgspec at full speed. Only a body that fails there, or that says something in
another form than ours, takes the slow way (:mod:`strongroom.api.lenient`), which knows Go's rules.
No message contains anything of the body but names of fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from strongroom.api import custom, strict
from strongroom.api.canonical import is_canonical
from strongroom.api.errors import GroupKind, StatusError, bad_request, invalid
from strongroom.api.findings import Path, invalid_value
from strongroom.api.jsontext import MAX_VALUES, may_exceed, most_values, read_json
from strongroom.api.lenient import UnreadableError, read
from strongroom.api.schema import Struct

T = TypeVar("T", bound=Struct)

MAX_DEPTH = 500
"""Deepest nesting of a JSON body. Upstream's limit is 10000, which no real object comes near."""

# Go writes maps in the order of their keys, and so do we: equal objects give equal bytes.
_ENCODER = msgspec.json.Encoder(order="deterministic")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,62}(/[A-Za-z][A-Za-z0-9]{0,62})?", re.ASCII)
_PARSE_ERROR = "couldn't get version/kind; json parse error: "


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A decoded object, and what strict decoding would say of the body (if it was asked for)."""

    obj: T
    findings: list[str]


def decode(
    body: bytes,
    struct: type[T],
    *,
    yaml: bool = False,
    kind: str,
    find: bool = False,
    version: str = "v1",
) -> Decoded[T]:
    """Decode a body into ``struct``; with ``find``, also look for unknown and duplicate fields.

    ``kind`` and ``version`` (``v1`` or ``GROUP/VERSION``) are those that the request is for; they
    serve the messages, where the body does not tell its own. Raises StatusError 400.
    """
    if custom.is_custom(struct):
        return _decode_custom(body, struct, yaml=yaml, kind=kind, find=find, version=version)
    if yaml:
        tree, findings = _yaml_tree(body, kind)
        obj = _from_body(tree, struct, kind, version)
        unknown = strict.find_unknown(tree, struct) if find else []
        return Decoded(obj, [*findings, *unknown] if find else [])
    most = most_values(struct)
    if may_exceed(body, most):
        # Counted before anything is made of them: a text full of commas is not a body full of them.
        parse_json(body, kind, most)
    fast = _decode_fast(body, struct)
    if fast is not None and not find:
        return Decoded(fast, [])
    tree = parse_json(body, kind, most)
    obj = fast if fast is not None else _from_body(tree, struct, kind, version)
    return Decoded(obj, strict.find(body, tree, struct) if find else [])


def encode(obj: Any) -> bytes:
    """The JSON of a Struct or tree: compact, maps in the order of their keys."""
    if isinstance(obj, custom.CustomObject):
        return custom.encode(obj)
    return _ENCODER.encode(obj)


def to_tree(obj: Struct) -> dict[str, Any]:
    """The plain JSON tree of a Struct; bytes are base64 text. It shares nothing with ``obj``."""
    tree: dict[str, Any] = msgspec.json.decode(encode(obj))
    return tree


def from_tree(tree: Any, struct: type[T]) -> T:
    """Make a Struct from a tree, such as a patched one, by the rules of :func:`decode`.

    Raises StatusError 422 as upstream's patch handler does, but without the patched object.
    """
    try:
        obj: T = custom.read(tree, struct) if custom.is_custom(struct) else read(tree, struct)
    except UnreadableError as error:
        finding = invalid_value(Path("patch"), "<contents omitted>", str(error))
        raise invalid(GroupKind("", ""), "", [finding]) from None
    return obj


def parse_json(body: bytes, kind: str, most: int = MAX_VALUES) -> Any:
    """The tree of a JSON body. Raises StatusError 400 when it is malformed, too deep or too big."""
    try:
        return read_json(body, MAX_DEPTH, most)
    except UnreadableError as error:
        raise _unrecognized(kind, _PARSE_ERROR + str(error)) from None


def _decode_custom(
    body: bytes, struct: type[T], *, yaml: bool, kind: str, find: bool, version: str
) -> Decoded[T]:
    """Custom objects have one way only: it is quick, and their types may come and go."""
    if yaml:
        tree, findings = _yaml_tree(body, kind)
    else:
        tree = parse_json(body, kind)
        findings = strict.find_duplicates(body, tree) if find else []
    tree = custom.plain_numbers(body, tree)
    unknown = custom.find_unknown(tree, struct) if find else []
    obj = _from_body(tree, struct, kind, version)
    return Decoded(obj, [*findings, *unknown] if find else [])


@cache
def _decoder(struct: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(struct)


def _decode_fast(body: bytes, struct: type[T]) -> T | None:
    """The object, if the body is in the form that we would write ourselves."""
    try:
        if not body.isascii():
            # msgspec does not look into the texts of fields that it skips.
            body.decode()
        obj: T = _decoder(struct).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Whatever it is, the slow way finds out and says so.
        return None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        return None
    return obj if is_canonical(obj) else None


def _yaml_tree(body: bytes, kind: str) -> tuple[Any, list[str]]:
    # Few bodies are YAML, and reading it takes 40 ms to import.
    from strongroom.api import yaml_text

    try:
        return yaml_text.load(body)
    except yaml_text.YAMLError as error:
        raise _unrecognized(kind, str(error)) from None


def _from_body(tree: Any, struct: type[T], kind: str, version: str) -> T:
    try:
        if custom.is_custom(struct):
            obj: T = custom.read(tree, struct, fresh=True)
            return obj
        return read(tree, struct)
    except custom.MissingTypeError as error:
        raise _unrecognized(kind, str(error)) from None
    except UnreadableError as error:
        if not isinstance(tree, dict):
            raise _unrecognized(kind, _PARSE_ERROR + str(error)) from None
        told_kind = _told(tree.get("kind"), kind)
        # Of the version upstream tells what follows the group alone.
        told_version = _told(tree.get("apiVersion"), version).rpartition("/")[2]
        raise bad_request(
            f'{told_kind} in version "{told_version}" cannot be handled as a {kind}: {error}'
        ) from None


def _told(value: Any, otherwise: str) -> str:
    """A kind or version of the body, if it looks like one: it goes into a message."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else otherwise


def _unrecognized(kind: str, reason: str) -> StatusError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {reason}")
