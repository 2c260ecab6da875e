"""Rules as data: who may do what, in the shape of RBAC's PolicyRules.

This table serves the system's own components until roles and bindings are objects of the API. A
request that no rule allows stays without an opinion, and that is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission. An empty list of names or namespaces means any; empty verbs allow nothing.

    ``whole`` keeps ``*`` from covering subresources, as RBAC's would: who may get any object need
    not read the logs of pods.
    """

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("",)
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    whole: bool = False

    def allows(self, wanted: Attributes) -> bool:
        """Whether this rule covers the request."""
        if not _covers(self.verbs, wanted.verb):
            return False
        if not wanted.is_resource:
            return any(_path_matches(path, wanted.path) for path in self.paths)
        return (
            _covers(self.groups, wanted.group)
            and self._covers_resource(wanted)
            and (not self.names or wanted.name in self.names)
            and (not self.namespaces or wanted.namespace in self.namespaces)
        )

    def _covers_resource(self, wanted: Attributes) -> bool:
        if ALL in self.resources:
            return not (self.whole and wanted.subresource)
        if not wanted.subresource:
            return wanted.resource in self.resources
        full = f"{wanted.resource}/{wanted.subresource}"
        return full in self.resources or f"*/{wanted.subresource}" in self.resources


def _covers(allowed: Sequence[str], asked: str) -> bool:
    return ALL in allowed or asked in allowed


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith(ALL):
        return path.startswith(pattern.rstrip(ALL))
    return path == pattern


@dataclass(frozen=True, slots=True)
class RuleTable:
    """Rules by user name and by group; the authorizer of components that are not in RBAC yet."""

    users: Mapping[str, Sequence[Rule]]
    groups: Mapping[str, Sequence[Rule]]

    async def authorize(self, attributes: Attributes) -> Decision:
        user = attributes.user
        if any(rule.allows(attributes) for rule in self.users.get(user.name, ())):
            return Decision(Verdict.ALLOW, f"rules of user {user.name}")
        for group in user.groups:
            if any(rule.allows(attributes) for rule in self.groups.get(group, ())):
                return Decision(Verdict.ALLOW, f"rules of group {group}")
        return Decision()
