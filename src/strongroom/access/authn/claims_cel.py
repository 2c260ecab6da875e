"""CEL over what a token says (``claims``) and over the user that has come of it (``user``).

Source: ``k8s.io/apiserver/pkg/authentication/cel``. The language is imported with the first
expression: a server whose configuration has none starts without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from strongroom.access.user import User

if TYPE_CHECKING:
    from strongroom.api.cel import Program
    from strongroom.api.cel.tree import Expr

_CLAIMS = {"claims": "map<string, dyn>"}
_USER = {
    "user.username": "string",
    "user.uid": "string",
    "user.groups": "list<string>",
    "user.extra": "map<string, list<string>>",
}
_GOT = re.compile(r" but got .*\Z", re.DOTALL)
_ESCAPE = re.compile(r"__(underscores|dot|dash|slash)__")
_WORD = re.compile(
    "__(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|"
    "namespace|return|var|void|while)__"
)
_SAID = {"underscores": "__", "dot": ".", "dash": "-", "slash": "/"}


class BadExpression(ValueError):
    """An expression that does not compile. The text is upstream's."""


class EvaluationFailed(Exception):
    """An expression could not be evaluated. The text quotes it, and none of the values."""


class Expression:
    """A compiled expression over ``claims`` or ``user``. Costs are limited as everywhere."""

    def __init__(self, program: Program, root: Expr, variable: str) -> None:
        self.text = program.text
        self._program = program
        self._root = root
        self._variable = variable

    def evaluate(self, value: Mapping[str, Any]) -> Any:
        """The value in CEL's own terms. Raises EvaluationFailed."""
        from strongroom.api.cel import CelError

        try:
            return self._program.evaluate_raw({self._variable: value})
        except CelError as error:
            raise EvaluationFailed(f"expression '{self.text}' resulted in error: {error}") from None

    def names_claim(self, name: str) -> bool:
        """Whether ``claims.NAME`` or ``claims.?NAME`` is in it; ``claims["NAME"]`` is not seen."""
        return any(_names(node, name) for node in _nodes(self._root))

    def only_fields(self) -> bool:
        """Whether the variable is there as ``NAME.FIELD`` alone."""
        from strongroom.api.cel.tree import Ident, Select

        selects = (node for node in _nodes(self._root) if isinstance(node, Select))
        plain = {id(node.operand) for node in selects if not node.test}
        return all(
            id(node) in plain
            for node in _nodes(self._root)
            if isinstance(node, Ident) and node.name == self._variable
        )


def compile_claims(text: str, *, condition: bool = False) -> Expression:
    """An expression over ``claims``; a condition must be true or false. Raises BadExpression."""
    return _compile(text, _CLAIMS, "claims", condition=condition)


def compile_user(text: str) -> Expression:
    """A condition over ``user``. Raises BadExpression."""
    expression = _compile(text, {"user": "dyn"}, "user", condition=False)
    # An object's fields cannot be declared to the checker but as names with a dot, which has()
    # and a user as a whole do not know. So what uses these is checked less strictly.
    declared = _USER if expression.only_fields() else {"user": "dyn"}
    _compile(text, declared, "user", condition=True)
    return expression


def _compile(
    text: str, declared: Mapping[str, str], variable: str, *, condition: bool
) -> Expression:
    from strongroom.api.cel import CompileError, compile_expression
    from strongroom.api.cel.declarations import declare
    from strongroom.api.cel.environment import check
    from strongroom.api.cel.tree import read_checked

    try:
        program = compile_expression(text, declared, result="bool" if condition else ())
        root = read_checked(check(text, declare(declared))[0]).root
    except CompileError as error:
        raise BadExpression(_GOT.sub("", str(error))) from None
    return Expression(program, root, variable)


def _nodes(root: Expr) -> Iterator[Expr]:
    """All nodes of an expression."""
    from strongroom.api.cel.tree import Entry
    from strongroom.api.cel.tree import Expr as Node

    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node):
            yield node
        for name in node.__dataclass_fields__:
            below = getattr(node, name)
            items = below if isinstance(below, list) else (below,)
            waiting += [item for item in items if isinstance(item, (Node, Entry))]


def _names(node: Expr, name: str) -> bool:
    from strongroom.api.cel.tree import Call, Const, Ident, Select

    claims: Any
    field: Any
    if isinstance(node, Select):
        claims, field = node.operand, node.field
    elif isinstance(node, Call) and node.function == "_?._" and len(node.args) == 2:
        claims, second = node.args
        field = second.value if isinstance(second, Const) else None
    else:
        return False
    return isinstance(claims, Ident) and claims.name == "claims" and field == name


def claims_value(payload: bytes) -> Mapping[str, Any]:
    """Claims as expressions see them: every number is a double, as in all JSON that Go reads."""
    told: Any = _escaped(json.loads(payload, parse_int=float))
    return told if isinstance(told, dict) else {}


def user_value(user: User) -> Mapping[str, Any]:
    """A user as expressions see one; all fields are there."""
    return {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": _escaped({key: list(values) for key, values in user.extra.items()}),
    }


def string_list(value: Any) -> list[str] | None:
    """A string or a list of strings; what is empty is left out. None for anything else."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return [item for item in value if item]


class _Escaped(dict[str, Any]):
    """A map in which ``a__dot__b`` finds ``a.b``, which cannot be said as a field."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_unescaped(key))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(_unescaped(key))


def _unescaped(key: Any) -> Any:
    if not isinstance(key, str) or "__" not in key:
        return key
    word = _WORD.fullmatch(key)
    return word[1] if word else _ESCAPE.sub(lambda found: _SAID[found[1]], key)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return _Escaped({key: _escaped(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value
