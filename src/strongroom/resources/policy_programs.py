"""The CEL expressions of policies: which names they may use, and compiling them.

The library is imported when there is an expression: it takes as long as all kinds together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strongroom.api.cel import Program

BOOL, STRING, STRING_OR_NULL, ANY = ("bool",), ("string",), ("string", "null_type"), ()
"""What expressions may evaluate to."""

_REQUEST = {"object": "dyn", "oldObject": "dyn", "request": "dyn"}


class PolicyCompiler:
    """Compiles the expressions of one policy, in the order in which they may name each other.

    A variable that has been added may be named as ``variables.NAME`` by what is compiled after it.
    """

    def __init__(self, *, params: bool) -> None:
        self._declared = _REQUEST | {"namespaceObject": "dyn"}
        if params:
            self._declared["params"] = "dyn"

    def compile(
        self, expression: str, result: Iterable[str], *, authorizer: bool = True
    ) -> Program:
        """The program of an expression. Raises CompileError with upstream's message."""
        from strongroom.api.cel import compile_expression
        from strongroom.api.cel.functions.authorizer import AUTHORIZER_VARIABLES

        declared = self._declared | (AUTHORIZER_VARIABLES if authorizer else {})
        return compile_expression(expression, declared, result=tuple(result))

    def add_variable(self, name: str, expression: str) -> Program:
        """Compile a variable and let others name it. Raises CompileError.

        One that does not compile may be named too, so that only its own error is told.
        """
        self._declared[f"variables.{name}"] = "dyn"
        program = self.compile(expression, ANY)
        self._declared[f"variables.{name}"] = program.result_type
        return program

    def error(
        self, expression: str, result: Iterable[str], *, authorizer: bool = True
    ) -> str | None:
        """What is wrong with an expression; None for one that compiles."""
        from strongroom.api.cel import CompileError

        try:
            self.compile(expression, result, authorizer=authorizer)
        except CompileError as error:
            return str(error)
        return None

    def variable_error(self, name: str, expression: str) -> str | None:
        """What is wrong with a variable's expression; it may be named afterwards in any case."""
        from strongroom.api.cel import CompileError

        try:
            self.add_variable(name, expression)
        except CompileError as error:
            return str(error)
        return None
