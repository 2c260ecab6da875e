"""What a function of a library is: one declaration for the checker and for the evaluation.

A library is a tuple of :class:`Overload`. The checker is told names and types; at evaluation the
overload is chosen by the types of the arguments, since values of data are ``dyn`` to the checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import NO_OVERLOAD
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.values import Opaque, Optional, UInt


@dataclass(frozen=True, slots=True)
class Overload:
    """A function for arguments of given types.

    ``types`` are CEL's names of the parameters' types and of the result's (last). ``member`` says
    that it is called as ``first.name(rest)``. ``budgeted`` functions get the budget as their first
    argument, since what they cost is more than what they read.
    """

    name: str
    id: str
    types: tuple[str, ...]
    call: Callable[..., Any]
    member: bool = True
    budgeted: bool = False
    declared: bool = True


def function(
    name: str,
    types: str,
    call: Callable[..., Any],
    overload_id: str = "",
    *,
    member: bool = False,
    budgeted: bool = False,
) -> Overload:
    """A function ``name(a, b)``; ``types`` reads "string string -> bool"."""
    wanted, _, result = types.partition("->")
    parameters = tuple(wanted.split())
    made = overload_id or "_".join(
        (name.replace(".", "_"), *(_plain_name(part) for part in parameters))
    )
    return Overload(name, made, (*parameters, result.strip()), call, member, budgeted)


def method(name: str, types: str, call: Callable[..., Any], *, budgeted: bool = False) -> Overload:
    """A function ``a.name(b)``; ``types`` reads "string string -> bool"."""
    return function(name, types, call, member=True, budgeted=budgeted)


def builtin(name: str, types: str, call: Callable[..., Any], *, budgeted: bool = False) -> Overload:
    """A function that the checker declares by itself; member or not does not matter to it."""
    wanted, _, result = types.partition("->")
    return Overload(name, "", (*wanted.split(), result.strip()), call, True, budgeted, False)


def _plain_name(text: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in text)


_ACCEPTED: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "uint": (UInt,),
    "double": (float,),
    "string": (str,),
    "bytes": (bytes,),
    "list": (list,),
    "map": (Mapping,),
    "null": (type(None),),
    "timestamp": (datetime,),
    "duration": (timedelta,),
    "optional_type": (Optional,),
    "dyn": (object,),
}


def _accepts(wanted: str, kind: type, value: Any) -> bool:
    wanted = wanted.partition("<")[0]
    if wanted == "int":
        return kind is int
    accepted = _ACCEPTED.get(wanted)
    if accepted is not None:
        return issubclass(kind, accepted)
    return isinstance(value, Opaque) and value.type_name == wanted


class Dispatch:
    """All overloads of one name; picks by the types of the arguments and remembers."""

    __slots__ = ("_chosen", "_overloads", "name")

    def __init__(self, name: str, overloads: Iterable[Overload]) -> None:
        self.name = name
        self._overloads = tuple(overloads)
        self._chosen: dict[tuple[type, ...], Overload] = {}

    def call(self, budget: Budget, args: tuple[Any, ...]) -> Any:
        """The function's result. Raises CelError when no overload takes the arguments."""
        kinds = tuple(type(arg) for arg in args)
        overload = self._chosen.get(kinds)
        if overload is None:
            overload = self._choose(kinds, args)
        budget.spend(1 + 0.1 * sum(len(arg) for arg in args if isinstance(arg, (str, bytes, list))))
        return overload.call(budget, *args) if overload.budgeted else overload.call(*args)

    def _choose(self, kinds: tuple[type, ...], args: tuple[Any, ...]) -> Overload:
        for overload in self._overloads:
            wanted = overload.types[:-1]
            if len(wanted) == len(args) and all(map(_accepts, wanted, kinds, args)):
                self._chosen[kinds] = overload
                return overload
        raise CelError(NO_OVERLOAD)


def dispatches(libraries: Iterable[Iterable[Overload]]) -> dict[str, Dispatch]:
    """The functions of all libraries by name."""
    found: dict[str, list[Overload]] = {}
    for library in libraries:
        for overload in library:
            found.setdefault(overload.name, []).append(overload)
    return {name: Dispatch(name, overloads) for name, overloads in found.items()}
