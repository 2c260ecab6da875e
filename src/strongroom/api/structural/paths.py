"""Paths that lead to fields of a schema: ``.spec.replicas``, ``.data['a.b']``.

(``ValidFieldPath`` of apiextensions-apiserver's ``schema/cel``)
"""

from __future__ import annotations

import re

from strongroom.api.findings import Path
from strongroom.api.structural.model import Structural

_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|[.\[\]]|[^.\[\]']+|.", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "'": "'",
    "\\": "\\",
}


class PathError(ValueError):
    """A text that is no path of the schema; ``str()`` says why in upstream's words."""


def resolve(text: str, schema: Structural, *, arrays: bool = True) -> tuple[Path, Structural]:
    """The field that a path leads to, and its schema. Raises PathError.

    ``arrays`` says whether ``['name']`` is allowed, too.
    """
    tokens = _TOKEN.findall(text)
    path, at = Path(), 0
    while at < len(tokens):
        token = tokens[at]
        if token == "[":  # noqa: S105 - a bracket, no secret
            if not arrays:
                raise PathError("array notation is not allowed")
            name = _quoted(_next(tokens, at + 1))
            path, schema = _step(path, schema, name)
            if (closing := _next(tokens, at + 2)) != "]":
                raise PathError(f"expected ] but got {closing}")
            at += 3
        elif token == ".":  # noqa: S105 - a dot, no secret
            path, schema = _step(path, schema, _next(tokens, at + 1))
            at += 2
        else:
            raise PathError(f"expected [ or . but got: {token}")
    return path, schema


def _next(tokens: list[str], at: int) -> str:
    if at >= len(tokens):
        raise PathError("unexpected end of JSON path")
    return tokens[at]


def _quoted(token: str) -> str:
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise PathError(f"expected single quoted string but got {token}")
    return _ESCAPE.sub(_unescaped, token[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    if match[1] not in _ESCAPED:
        raise PathError(f"invalid string literal: invalid escape char {match[0]}")
    return _ESCAPED[match[1]]


def _step(path: Path, schema: Structural, name: str) -> tuple[Path, Structural]:
    if schema.properties:
        if name not in schema.properties:
            raise PathError("does not refer to a valid field")
        return path / name, schema.properties[name]
    if schema.values is None:
        raise PathError("does not refer to a valid field")
    return path.key(name), schema.values
