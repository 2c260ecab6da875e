"""The library's environment: which variables, macros and functions the checker knows.

The library takes eleven megabytes of memory, so it is loaded when the first expression is compiled.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from strongroom.api.cel.errors import CompileError
from strongroom.api.cel.functions import LIBRARIES
from strongroom.api.cel.overloads import Overload

_CONFIG = """extensions:
- name: optional
- name: bindings
- name: two-var-comprehensions
- name: lists
"""

_STATUS = re.compile(r" \[[A-Z_]+\]\Z")
_STATUS_BEFORE = re.compile(r"\A[A-Z_]+: ")
_TYPES = {"optional_type": "optional_type"}


def check(text: str, declared: tuple[tuple[str, str], ...]) -> tuple[bytes, str]:
    """The checked expression, serialized, and the type of its result. Raises CompileError."""
    try:
        expression = _environment(declared).compile(text)
        return expression.serialize(), _type_name(expression.return_type())
    except (RuntimeError, ValueError, TypeError) as error:
        raise CompileError(f"compilation failed: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The library's message without the status code around it."""
    return _STATUS.sub("", _STATUS_BEFORE.sub("", str(error)))


def _type_name(kind: Any) -> str:
    name = str(kind.name()).lower()
    return {"timestamp": "timestamp", "duration": "duration"}.get(name, name)


@lru_cache(maxsize=128)
def _environment(declared: tuple[tuple[str, str], ...]) -> Any:
    """The environment with these variables; making one takes milliseconds."""
    cel = import_module("cel_expr_python.cel")
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_CONFIG),
        variables={name: _type(kind) for name, kind in declared},
        functions=_functions(),
    )


@cache
def _type(text: str) -> Any:
    """The library's type of ours."""
    cel = import_module("cel_expr_python.cel")
    if text.startswith("optional_type<"):
        inner = text.removeprefix("optional_type<").removesuffix(">")
        return cel.Type.AbstractType("optional_type", [_type(inner)])
    names = {"bool", "int", "uint", "double", "string", "bytes", "dyn", "timestamp", "duration"}
    if text in names:
        return getattr(cel.Type, text.upper())
    if text == "list":
        return cel.Type.List(cel.Type.DYN)
    if text == "map":
        return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    if text.startswith("list<"):
        return cel.Type.List(_type(text[5:-1]))
    if text.startswith("map<"):
        key, _, value = text[4:-1].partition(",")
        return cel.Type.Map(_type(key.strip()), _type(value.strip()))
    return cel.Type.AbstractType(text)


@cache
def _functions() -> list[Any]:
    """The declarations of our libraries' functions."""
    cel = import_module("cel_expr_python.cel")
    by_name: dict[str, list[Overload]] = {}
    for library in LIBRARIES:
        for overload in library:
            if overload.declared:
                by_name.setdefault(overload.name, []).append(overload)
    return [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    overload.id,
                    _type(overload.types[-1]),
                    [_type(kind) for kind in overload.types[:-1]],
                    is_member=overload.member,
                )
                for overload in overloads
            ],
        )
        for name, overloads in by_name.items()
    ]
