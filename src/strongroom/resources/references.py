"""Which Secrets and ConfigMaps an object refers to, read off the marks on its schema.

A field marked ``refers="Secret"`` holds a name, or references with a name, or a list of them. So a
new kind of volume is found as soon as it is declared; nobody keeps a second list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from strongroom.api.schema import FieldSchema, Struct, schema_of
from strongroom.api.validation import Path


@dataclass(frozen=True, slots=True)
class Reference:
    """One place at which an object names another of its namespace."""

    kind: str
    """Secret or ConfigMap."""
    name: str
    path: Path
    """Of the field that holds the name."""
    optional: bool
    """Whether the place can do without the object."""


def may_refer(struct: type[Struct]) -> bool:
    """Whether objects of this type can name a Secret or a ConfigMap at all."""
    # Not cached itself: mypy takes no ``type[Any]``, as kinds in general have, for hashable.
    return _reaches(struct)


def secret_references(obj: Struct) -> Iterator[Reference]:
    """Every place at which ``obj`` (a Pod, an Ingress) names a Secret or a ConfigMap.

    Places with an empty name are left out: they refer to nothing.
    """
    return _references(obj, None)


def _references(struct: Struct, path: Path | None) -> Iterator[Reference]:
    for field in _ways(type(struct)):
        value = getattr(struct, field.attribute)
        if not value:
            continue
        at = path / field.name if path else Path(field.name)
        for item, where in _items(value, at):
            if kind := field.facts.refers:
                yield from _named(struct, item, kind, where)
            else:
                yield from _references(item, where)


def _items(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield item, path.index(i)
    else:
        yield value, path


def _named(holder: Struct, value: Any, kind: str, path: Path) -> Iterator[Reference]:
    """The reference that a marked value makes: it is the name itself or a Struct that has one."""
    name = value if isinstance(value, str) else value.name
    if name:
        where = path if isinstance(value, str) else path / "name"
        yield Reference(kind, name, where, bool(getattr(holder, "optional", False)))


@cache
def _ways(struct: type[Struct]) -> tuple[FieldSchema, ...]:
    """The fields of a Struct that refer to something, or below which something does."""
    return tuple(
        field
        for field in schema_of(struct).fields.values()
        if field.facts.refers or ((inner := _inner(field)) is not None and _reaches(inner))
    )


@cache
def _reaches(struct: type[Struct]) -> bool:
    """Whether any Struct that can stand in this one refers; a schema may contain itself."""
    seen, waiting = {struct}, [struct]
    while waiting:
        for field in schema_of(waiting.pop()).fields.values():
            if field.facts.refers:
                return True
            inner = _inner(field)
            if inner is not None and inner not in seen:
                seen.add(inner)
                waiting.append(inner)
    return False


def _inner(field: FieldSchema) -> type[Struct] | None:
    return field.type.struct or (field.type.items.struct if field.type.items else None)
