"""Which variables an expression may use, and of which types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Declaration = str
"""A type in CEL's words: ``dyn``, ``string``, ``list<int>``, ``map<string, dyn>``."""

Declarations = Mapping[str, Declaration] | Iterable[str]
"""Names with types, or names only: those are ``dyn``."""


def declare(variables: Declarations) -> tuple[tuple[str, str], ...]:
    """The declarations as a key for caches, in order of the names."""
    if isinstance(variables, Mapping):
        return tuple(sorted(variables.items()))
    return tuple((name, "dyn") for name in sorted(set(variables)))
