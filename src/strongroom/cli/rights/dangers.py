"""Rights that are asked about in an audit log: whoever has them and does not use them has too much.

The same that ``checks`` warns of where they are given to too many, limited to names or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from strongroom.cli.rights import becoming, reading
from strongroom.cli.rights import standards as numbers
from strongroom.cli.rights.held import Grant, Right, right
from strongroom.cli.rights.paths import READING
from strongroom.cli.rights.standards import Numbers
from strongroom.cli.rights.used import Use
from strongroom.resources.rbac import GROUP
from strongroom.resources.rbac_rules import Rule

_WRITING = ("create", "update", "patch", "delete", "deletecollection")
_OF_NO_NAMESPACE = frozenset({"users", "groups", "nodes", "persistentvolumes", "signers"})
"""A RoleBinding gives no right to them."""
_WIDE_GROUPS = frozenset({"admissionregistration.k8s.io", "certificates.k8s.io"})

Key = tuple[str, str, str, str]
"""Verb, group, resource and subresource."""


@dataclass(frozen=True)
class Danger:
    """Something dangerous to be able to do: by any of these rights."""

    key: str
    text: str
    numbers: Numbers
    rights: tuple[Right, ...]

    @cached_property
    def keys(self) -> frozenset[Key]:
        """What uses of it are called."""
        return frozenset(
            (
                what.verb,
                what.group,
                what.resource,
                "" if _is_part(what.subresource) else what.subresource,
            )
            for what in (one.what for one in self.rights)
        )

    def held(self, grant: Grant) -> list[Rule]:
        """The rules by which somebody may, in their order."""
        asked = [one for one in self.rights if not grant.namespace or _is_namespaced(one)]
        found = (grant.held.covering(one) for one in asked)
        return list(dict.fromkeys(rule for rule in found if rule is not None))

    def done(self, uses: Sequence[Use], rules: Sequence[Rule]) -> Iterator[Use]:
        """What was done of it by these rules."""
        for use in uses:
            key = use.verb, use.group, use.resource, use.subresource
            if key in self.keys and any(use.covered(rule) for rule in rules):
                yield use


def _is_part(subresource: str) -> bool:
    """Whether it is one that has no URL, so that requests do not name it."""
    return subresource == "keys"


def _is_namespaced(one: Right) -> bool:
    return one.what.resource not in _OF_NO_NAMESPACE and one.what.group not in _WIDE_GROUPS


def _rights(verbs: Sequence[str], *resources: str, group: str = "") -> tuple[Right, ...]:
    return tuple(right(verb, what, group, any_name=True) for what in resources for verb in verbs)


READ_SECRETS = Danger(
    "read-secrets",
    "read Secrets",
    Numbers(numbers.READ_SECRETS, f"{numbers.RBAC} {numbers.SECRETS}"),
    _rights(READING, "secrets", "secrets/keys"),
)
WRITE_SECRETS = Danger(
    "write-secrets",
    "write Secrets",
    Numbers(numbers.READ_SECRETS, f"{numbers.RBAC} {numbers.SECRETS}"),
    _rights(_WRITING, "secrets"),
)
DANGERS = (
    READ_SECRETS,
    WRITE_SECRETS,
    Danger(
        "read-history",
        "read earlier states of Secrets",
        Numbers(numbers.READ_SECRETS, f"{numbers.RBAC} {numbers.SECRETS}"),
        reading.REVISIONS,
    ),
    Danger(
        "share-secrets",
        "share Secrets with other namespaces",
        Numbers(numbers.READ_SECRETS, f"{numbers.RBAC} {numbers.SECRETS}"),
        _rights(("create", "update", "patch"), "secretgrants", group="strongroom.io"),
    ),
    Danger(
        "keys",
        "change the keys that the store is encrypted with",
        Numbers(owasp=numbers.SECRETS),
        _rights(("create",), "encryptionoperations", group="strongroom.io"),
    ),
    Danger(
        "escalate",
        "give roles what one lacks",
        Numbers(numbers.BECOME_OTHERS),
        _rights(("escalate",), "roles", "clusterroles", group=GROUP),
    ),
    Danger(
        "bind",
        "bind roles that give more than one has",
        Numbers(numbers.BECOME_OTHERS),
        _rights(("bind",), "roles", "clusterroles", group=GROUP),
    ),
    Danger(
        "impersonate",
        "act as others",
        Numbers(numbers.BECOME_OTHERS),
        _rights(("impersonate",), "users", "groups", "serviceaccounts"),
    ),
    Danger(
        "tokens",
        "make tokens of service accounts",
        Numbers(numbers.TOKENS, f"{numbers.RBAC} {numbers.AUTHENTICATION}"),
        _rights(("create",), "serviceaccounts/token"),
    ),
    Danger(
        "node-proxy",
        "reach kubelets",
        Numbers(numbers.NODE_PROXY),
        _rights(("get", "create"), "nodes/proxy"),
    ),
    Danger("csr-approval", "approve certificates", Numbers(numbers.APPROVAL), becoming.APPROVALS),
    Danger("webhooks", "write webhooks", Numbers(numbers.WEBHOOKS), reading.WRITE_HOOKS),
    Danger(
        "volumes",
        "make volumes",
        Numbers(numbers.VOLUMES),
        _rights(("create",), "persistentvolumes"),
    ),
    Danger("exec", "enter pods", Numbers(), reading.enter()),
    Danger(
        "pods",
        "run pods",
        Numbers(numbers.CREATE_PODS),
        reading.MAKE_PODS + reading.MAKE_CONTROLLERS,
    ),
)
"""In the order in which they are told."""
