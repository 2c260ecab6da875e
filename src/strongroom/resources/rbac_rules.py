"""A rule in the form in which it is asked: what it covers, and nothing of whom.

The server decides by it, and the command line explains by it, so both say the same.

Source: ``pkg/apis/rbac/v1/evaluation_helpers.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from strongroom.resources.rbac import PolicyRule

ALL = "*"


class Asked(Protocol):
    """What somebody wants to do, as far as rules look at it."""

    @property
    def is_resource(self) -> bool: ...
    @property
    def verb(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def subresource(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission. An empty list of names means any; empty verbs allow nothing."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("",)
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def allows(self, wanted: Asked) -> bool:
        """Whether this rule covers the request."""
        if not _covers(self.verbs, wanted.verb):
            return False
        if not wanted.is_resource:
            return any(_path_matches(path, wanted.path) for path in self.paths)
        return (
            _covers(self.groups, wanted.group)
            and self._covers_resource(wanted)
            and (not self.names or wanted.name in self.names)
        )

    def _covers_resource(self, wanted: Asked) -> bool:
        if ALL in self.resources:
            return True
        if not wanted.subresource:
            return wanted.resource in self.resources
        full = f"{wanted.resource}/{wanted.subresource}"
        return full in self.resources or f"{ALL}/{wanted.subresource}" in self.resources


def compiled(rule: PolicyRule) -> Rule:
    """A rule in the form in which it is asked."""
    return Rule(
        verbs=tuple(rule.verbs),
        groups=tuple(rule.apiGroups),
        resources=tuple(rule.resources),
        names=tuple(rule.resourceNames),
        paths=tuple(rule.nonResourceURLs),
    )


def _covers(allowed: Sequence[str], asked: str) -> bool:
    return ALL in allowed or asked in allowed


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith(ALL):
        return path.startswith(pattern.rstrip(ALL))
    return path == pattern
