"""Owners of fields where a subresource shows an object as another kind (a Deployment's Scale).

``k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go``: whoever owns a field of the object
that the other kind shows owns it there, too; what became of its owners there is carried back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from strongroom.api.apply.fieldset import Fields, contains, difference, union
from strongroom.api.apply.owners import APPLY, Manager, Owned, Owners

Pairs = Iterable[tuple[tuple[str, ...], tuple[str, ...]]]
"""Fields of the shown object, each with its path in the object itself."""


def shown_owners(owners: Owners, pairs: Pairs, version: str) -> Owners:
    """The owners of the shown object; ``version`` is its API version."""
    pairs = tuple(pairs)
    out: Owners = {}
    for manager, owned in owners.items():
        fields = _translated(owned.fields, [(there, here) for here, there in pairs])
        if fields:
            out[_of_version(manager, version)] = Owned(fields, version, owned.time)
    return out


def carried_back(owners: Owners, shown: Owners, pairs: Pairs, version: str) -> Owners:
    """The owners of the object, once those of the shown object have become ``shown``.

    ``version`` is the API version of the object.
    """
    pairs = tuple(pairs)
    left = {
        _of_version(manager, version): Owned(fields, version, owned.time)
        for manager, owned in shown.items()
        if (fields := _translated(owned.fields, pairs))
    }
    every = _tree(there for _, there in pairs)
    out: Owners = {}
    for manager, owned in owners.items():
        still = left.pop(manager, None)
        fields = difference(owned.fields, every)
        if still is not None:
            fields = union(fields, still.fields)
        if fields:
            out[manager] = replace(owned, fields=fields)
    return {**out, **left}


def _of_version(manager: Manager, version: str) -> Manager:
    return manager if manager.operation == APPLY else replace(manager, version=version)


def _translated(fields: Fields, pairs: Pairs) -> Fields:
    return _tree(there for here, there in pairs if contains(fields, _elements(here)))


def _elements(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"f:{name}" for name in path)


def _tree(paths: Iterable[tuple[str, ...]]) -> Fields:
    out: Fields = {}
    for path in paths:
        node: Fields = {}
        for element in reversed(_elements(path)):
            node = {element: node}
        out = union(out, node)
    return out
