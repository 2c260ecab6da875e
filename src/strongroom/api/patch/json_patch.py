"""JSON patch (RFC 6902), with upstream's tolerances.

As upstream: a negative index counts from the end, a missing ``value`` is null, and ``test`` takes a
missing member for null. Whatever does not apply is a 422 that does not say why, because paths and
values of the object would be told to whoever may patch but not read.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from strongroom.api.errors import too_large
from strongroom.api.gotext import quote
from strongroom.api.jsontext import MAX_VALUES, copy_tree, count_values, depth_of
from strongroom.api.patch.failures import malformed, unprocessable

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024
"""Upstream's limits: operations of a patch, and bytes that its copies may add in all."""

MAX_DEPTH = 500
"""Deepest nesting of a result: as deep as a body may nest that is put as a whole."""

_INDEX = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_MISSING: Any = object()


def apply_json_patch(document: Any, patch: Any) -> Any:
    """The result of all operations in their order, or StatusError if one does not apply."""
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise malformed("error decoding patch: it is not a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise too_large(
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MAX_OPERATIONS}, got {len(patch)}"
        )
    for step in patch:
        if not all(isinstance(step.get(name, ""), str) for name in ("op", "path", "from")):
            raise malformed("error decoding patch: op, path and from must be strings")
    try:
        run = _Run(copy_tree(document))
        for step in patch:
            run.apply(step)
    except RecursionError:
        # Copies of a thing into itself nest twice as deep each time.
        raise unprocessable() from None
    if depth_of(run.document) > MAX_DEPTH:
        raise unprocessable()
    return run.document


def unknown_members(patch: Any) -> list[str]:
    """Members of operations that mean nothing, as ``unknown field "[0].foo"``."""
    known = ("op", "path", "from", "value")
    steps = [step for step in patch if isinstance(step, dict)] if isinstance(patch, list) else []
    return [
        f"unknown field {quote(f'[{i}].{name}')}"
        for i, step in enumerate(steps)
        for name in step
        if name not in known
    ]


class _Run:
    """The document on its way through the operations."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._copied = self._values = 0

    def apply(self, step: dict[str, Any]) -> None:
        path = _pointer(step.get("path"))
        value = step.get("value")
        match step.get("op"):
            case "add":
                self._add(path, value)
            case "remove":
                self._remove(path)
            case "replace":
                self._replace(path, value)
            case "move":
                self._move(_pointer(step.get("from")), path)
            case "copy":
                self._add(path, self._copy(_pointer(step.get("from"))))
            case "test":
                found = self._get(path, missing_is_null=True)
                if not equal(found, value):
                    raise unprocessable()
            case _:
                raise unprocessable()

    def _get(self, path: list[str], *, missing_is_null: bool = False) -> Any:
        node = self.document
        for i, token in enumerate(path):
            node = _child(node, token)
            if node is _MISSING:
                if missing_is_null and i == len(path) - 1:
                    return None
                raise unprocessable()
        return node

    def _add(self, path: list[str], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, token = self._get(path[:-1]), path[-1]
        if isinstance(parent, dict):
            parent[token] = value
        elif isinstance(parent, list):
            at = len(parent) if token == "-" else _index(token, len(parent) + 1)  # noqa: S105 - RFC's end mark
            parent.insert(at, value)
        else:
            raise unprocessable()

    def _remove(self, path: list[str]) -> Any:
        if not path:
            raise unprocessable()
        parent, token = self._get(path[:-1]), path[-1]
        if isinstance(parent, dict) and token in parent:
            return parent.pop(token)
        if isinstance(parent, list):
            return parent.pop(_index(token, len(parent)))
        raise unprocessable()

    def _replace(self, path: list[str], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, token = self._get(path[:-1]), path[-1]
        if isinstance(parent, dict) and token in parent:
            parent[token] = value
        elif isinstance(parent, list):
            parent[_index(token, len(parent))] = value
        else:
            raise unprocessable()

    def _move(self, source: list[str], path: list[str]) -> None:
        if len(path) > len(source) and path[: len(source)] == source:
            # Nothing can be moved into itself.
            raise unprocessable()
        if path == source:
            self._get(source)
            return
        self._add(path, self._remove(source))

    def _copy(self, source: list[str]) -> Any:
        value = self._get(source)
        self._copied += len(msgspec.json.encode(value))
        # Empty lists are two bytes each: copied into each other they cost seconds, not megabytes.
        self._values += count_values(value)
        if self._copied > MAX_COPIED_BYTES or self._values > MAX_VALUES:
            raise unprocessable()
        return copy_tree(value)


def _pointer(text: str | None) -> list[str]:
    if text is None:
        raise unprocessable()
    if not text:
        return []
    if not text.startswith("/"):
        raise unprocessable()
    return [token.replace("~1", "/").replace("~0", "~") for token in text[1:].split("/")]


def _child(node: Any, token: str) -> Any:
    if isinstance(node, dict):
        return node.get(token, _MISSING)
    if isinstance(node, list):
        return node[_index(token, len(node))]
    return _MISSING


def _index(token: str, size: int) -> int:
    if not _INDEX.fullmatch(token):
        raise unprocessable()
    index = int(token)
    index += size if index < 0 else 0
    if not 0 <= index < size:
        raise unprocessable()
    return index


def equal(a: Any, b: Any) -> bool:
    """Equality of JSON values: numbers by value, and true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
