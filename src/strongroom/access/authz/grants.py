"""What SecretGrants give: which keys of which Secrets to which accounts of which namespaces.

Kept grant by grant, as they come, change and go. What a node is given is what is given to the
accounts of its pods: no grant gives a node anything that none of its pods refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.access.authz.node_graph import NodeGraph
from strongroom.resources.secret_reference import ALL, Granted, Keys
from strongroom.resources.secretgrant import SecretGrant

Name = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one grant gives of a Secret to a namespace; to all its accounts if they are None."""

    grant: str
    keys: Keys
    accounts: frozenset[str] | None


class Grants:
    """All SecretGrants, to be asked by the Secret that they give."""

    def __init__(self) -> None:
        self._held: dict[Name, frozenset[str]] = {}
        self._shares: dict[Name, dict[str, dict[str, Share]]] = {}
        """By Secret, by grant, by the namespace that is given it."""

    def put(self, namespace: str, name: str, grant: SecretGrant | None) -> None:
        """A grant as it is now; None when it is gone, or cannot be read."""
        for secret in self._held.pop((namespace, name), ()):
            shares = self._shares[namespace, secret]
            del shares[name]
            if not shares:
                del self._shares[namespace, secret]
        if grant is None:
            return
        self._held[namespace, name] = frozenset(one.name for one in grant.spec.secrets)
        for one in grant.spec.secrets:
            keys = _some(one.keys)
            self._shares.setdefault((namespace, one.name), {})[name] = {
                to.namespace: Share(name, keys, _some(to.serviceAccounts)) for to in grant.spec.to
            }

    def shares(self, secret: Name, namespace: str) -> Iterator[Share]:
        """What is given of a Secret to a namespace, grant by grant."""
        for by_namespace in self._shares.get(secret, {}).values():
            if namespace in by_namespace:
                yield by_namespace[namespace]


def _some(words: list[str]) -> frozenset[str] | None:
    """A list's words; None where it says all of them."""
    return None if ALL in words else frozenset(words)


@dataclass(frozen=True, slots=True)
class Given:
    """What a node is given, to whom, and by which grants; nothing where ``to`` is empty."""

    to: Granted
    grants: tuple[str, ...]

    def has(self, key: str) -> bool:
        """Whether any account is given this key."""
        return any(keys is None or key in keys for keys in self.to.values())


def given(grants: Grants, graph: NodeGraph, node: str, reference: Name, secret: Name) -> Given:
    """What a node is given of a Secret by a reference to it, because of the pods that it has."""
    namespace, name = reference
    to: dict[str, Keys] = {}
    by = []
    for share in grants.shares(secret, namespace):
        if share.accounts is None:
            accounts = [ALL] if graph.related(node, ("secrets", namespace, name)) else []
        else:
            accounts = [a for a in share.accounts if graph.used(node, namespace, name, a)]
        for account in accounts:
            to[account] = _both(to[account], share.keys) if account in to else share.keys
        if accounts:
            by.append(share.grant)
    return Given(to, tuple(sorted(by)))


def _both(one: Keys, other: Keys) -> Keys:
    return None if one is None or other is None else one | other
