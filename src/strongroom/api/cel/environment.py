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

UNCHECKED = ""
"""The type of an expression of which the library cannot tell it."""

_CONFIG = """extensions:
- name: optional
- name: bindings
- name: two-var-comprehensions
- name: lists
"""

_STATUS = re.compile(r" \[[A-Z_]+\]\Z")
_STATUS_BEFORE = re.compile(r"\A[A-Z_]+: ")
_ORDER = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
_NAMED_TYPES = (("net.CIDR", "dyn"), ("net.IP", "dyn"))
_COMPOSED = "variables"
_OWN_TYPES = re.compile(
    r"(?<![\w.])(?:BOOL|INT|UINT|DOUBLE|STRING|BYTES|DYN|NULL|TIMESTAMP|DURATION|LIST|MAP|TYPE)\b"
)
_WORDS = {"NULL": "null_type"}
_UNDECLARED = re.compile(
    r"^ERROR: <input>:(\d+):(\d+): undeclared reference to '(\w+\.[\w.]+)'(.*)\n"
    r" \| (.*)\n \| (\.*)\^",
    re.MULTILINE,
)
_ERROR = re.compile(r"^ERROR: <input>:\d+:\d+: (.*)$", re.MULTILINE)
# The library takes any type of ours for a string when overloads of its own functions are declared,
# so string(<IP>) and string(<CIDR>) cannot be declared; what only lacks these is not checked.
_NOT_DECLARABLE = re.compile(
    r"found no matching overload for 'string' applied to '\(net\.(?:IP|CIDR)\)'"
)


def check(text: str, declared: tuple[tuple[str, str], ...]) -> tuple[bytes, str]:
    """The checked expression, serialized, and the type of its result. Raises CompileError."""
    environment = _environment(declared)
    try:
        expression = environment.compile(text)
        return expression.serialize(), _type_name(expression.return_type())
    except (RuntimeError, ValueError, TypeError) as error:
        # Names with a dot are fields of one that is no variable by itself.
        roots = {name.partition(".")[0] for name, _ in declared if "." in name}
        reason = _reason(error, roots | {_COMPOSED})
    errors = _ERROR.findall(reason)
    if errors and all(map(_NOT_DECLARABLE.match, errors)):
        return environment.compile(text, disable_check=True).serialize(), UNCHECKED
    raise CompileError(f"compilation failed: {reason}")


def _reason(error: Exception, composed: set[str]) -> str:
    """The library's message without the status code around it."""
    text = _STATUS.sub("", _STATUS_BEFORE.sub("", str(error)))
    return _UNDECLARED.sub(lambda found: _rooted(found, composed), text)


def _rooted(found: re.Match[str], composed: set[str]) -> str:
    """An undeclared ``a.b.c`` as cel-go tells it: ``a`` is not declared, where ``a`` stands."""
    line, column, name, rest, text, dots = found.groups()
    root, _, path = name.partition(".")
    at = int(column) - len(name.rpartition(".")[0])
    if at < 1 or text[at - 1 :][: len(root)] != root or len(dots) + 1 != int(column):
        return found.group()
    if root in composed:
        field = path.partition(".")[0]
        at += len(root)
        where, arrow = f"<input>:{line}:{at}", "." * (at - 1) + "^"
        return f"ERROR: {where}: undefined field '{field}'\n | {text}\n | {arrow}"
    return (
        f"ERROR: <input>:{line}:{at}: undeclared reference to '{root}'{rest}\n"
        f" | {text}\n | {dots[: at - 1]}^"
    )


def _type_name(kind: Any) -> str:
    """The type in the words of declarations; the library writes its own types in capitals."""
    return _OWN_TYPES.sub(lambda found: _WORDS.get(found[0], found[0].lower()), str(kind.name()))


@lru_cache(maxsize=128)
def _environment(declared: tuple[tuple[str, str], ...]) -> Any:
    """The environment with these variables; making one takes milliseconds."""
    cel = import_module("cel_expr_python.cel")
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_CONFIG),
        variables={name: _type(kind) for name, kind in (*_NAMED_TYPES, *declared)},
        functions=_functions(),
        extensions=[_comparisons()],
    )


@cache
def _type(text: str) -> Any:
    """The library's type of ours."""
    cel = import_module("cel_expr_python.cel")
    if text.startswith("optional_type<"):
        # Optionals of the library's own functions are of a type that cannot be named here.
        return cel.Type.DYN
    if text == "null_type":
        return cel.Type.NULL
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
def _comparisons() -> Any:
    """``1 < 2.0``: the order of numbers of different types, which Kubernetes allows."""
    cel = import_module("cel_expr_python.cel")
    kinds = ("int", "uint", "double")
    pairs = [(a, b) for a in kinds for b in kinds if a != b]
    return cel.CelExtension(
        "comparisons",
        [
            cel.FunctionDecl(
                operator,
                [
                    cel.Overload(f"{name}_{a}_{b}", cel.Type.BOOL, [_type(a), _type(b)])
                    for a, b in pairs
                ],
            )
            for operator, name in _ORDER.items()
        ],
    )


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
