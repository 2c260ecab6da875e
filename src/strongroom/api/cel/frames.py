"""What building and evaluating the nodes of an expression passes around."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.api.cel import tree
from strongroom.api.cel.budget import Budget
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import Dispatch

Step = Callable[["Frame"], Any]


class Frame:
    """The variables of one evaluation, and what it may still cost."""

    __slots__ = ("budget", "variables")

    def __init__(self, variables: dict[str, Any], budget: Budget) -> None:
        self.variables = variables
        self.budget = budget


class Failed:
    """An error kept as the value of an accumulator, until something overrules it or reads it."""

    __slots__ = ("error",)

    def __init__(self, error: CelError) -> None:
        self.error = error


@dataclass(frozen=True, slots=True)
class Context:
    """What building a node needs to know of the expression around it."""

    checked: tree.Checked
    functions: Mapping[str, Dispatch]
    accumulators: frozenset[str] = frozenset()
    growing: str = ""
    """The accumulator that is a list or map of this fold's own, so that it may grow in place."""


TYPE_NAMES = frozenset(
    {
        "bool",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
        "type",
        "optional_type",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
        "net.IP",
        "net.CIDR",
    }
)
"""The names that stand for types in expressions."""
