"""Rights to a part of a Secret, where there is none to the whole: ``metadata``, and ``keys``.

Two resources of RBAC that have no URL of their own. ``secrets/metadata`` allows answers without
values. ``secrets/keys`` allows single keys, named ``SECRET/KEY``; ``SECRET/*`` stands for all of
them. Any authorizer may be asked for both; who refuses the whole by a DENY is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Authorizer, Decision, Verdict
from strongroom.access.user import Attributes
from strongroom.resources.rbac import PolicyRule
from strongroom.resources.rbac_rules import ALL

METADATA, KEYS = "metadata", "keys"

MOST_ASKED = 256
"""Keys of one Secret that are asked for one by one. Each may be a call of a webhook."""

_SECRETS = "secrets"
_READING = ("get", "list", "watch")


@dataclass(slots=True)
class KeysRight:
    """Which keys of the one Secret that a request names may be shown.

    ``named`` says that a right was found without looking at the Secret, so that whether it exists
    is no news. Answers are kept for as long as the request lasts, as those for a whole watch are.
    """

    wanted: Attributes
    reason: str = ""
    every: bool = False
    allowed: set[str] = field(default_factory=set)
    asking: Authorizer | None = None
    """Asked about further keys; None where the answers for all names are known."""
    _refused: set[str] = field(default_factory=set)

    @property
    def named(self) -> bool:
        return self.every or bool(self.allowed)

    async def shown(self, keys: list[str]) -> frozenset[str]:
        """Those of a Secret's keys that may be shown."""
        if self.every:
            return frozenset(keys)
        if self.asking is not None:
            for key in keys[:MOST_ASKED]:
                if key not in self.allowed and key not in self._refused:
                    await self.ask(self.asking, key)
        return frozenset(key for key in keys if key in self.allowed)

    async def ask(self, authorizer: Authorizer, key: str) -> None:
        """Find out about one key."""
        decision = await authorizer.authorize(asked_key(self.wanted, key))
        if decision.verdict is Verdict.ALLOW:
            self.allowed.add(key)
            self.reason = self.reason or decision.reason
        else:
            self._refused.add(key)


class PartialRights:
    """Asks ``authorizer`` for parts, and ``policies`` for the names of keys in rules.

    ``exhaustive`` says that nobody but RBAC ever allows a part.
    """

    def __init__(
        self, authorizer: Authorizer, policies: Policies | None, *, exhaustive: bool
    ) -> None:
        self._authorizer = authorizer
        self._policies = policies
        self._exhaustive = exhaustive

    async def metadata(self, wanted: Attributes) -> Decision:
        """Whether the same may be done with ``secrets/metadata``."""
        return await self._authorizer.authorize(replace(wanted, subresource=METADATA))

    async def keys(self, wanted: Attributes) -> KeysRight | None:
        """The right to keys of the Secret that is named, as far as it is known before looking.

        None when there is none. One that names no key yet is one by what ``shown`` finds.
        """
        if not wanted.name:
            return None
        decision = await self._authorizer.authorize(asked_key(wanted, ALL))
        if decision.verdict is Verdict.ALLOW:
            return KeysRight(wanted, decision.reason, every=True)
        if decision.verdict is Verdict.DENY:
            return None
        named = sorted(set(self._names(wanted)))
        found = KeysRight(wanted, asking=None if self._exhaustive else self._authorizer)
        for key in named[: 1 if self._exhaustive else MOST_ASKED]:
            await found.ask(self._authorizer, key)
        if self._exhaustive and found.named:
            # One answer tells by which binding. To ask on would take the square of a long rule.
            found.allowed.update(named)
        return found if found.named or found.asking is not None else None

    def _names(self, wanted: Attributes) -> Iterator[str]:
        """The keys of the Secret that rules of the asker name."""
        if self._policies is None:
            return
        prefix, asked = f"{wanted.name}/", replace(wanted, subresource=KEYS)
        for grant in self._policies.grants(wanted.user, wanted.namespace):
            known = self._policies.rules(grant.binding.role) if grant.binding.role_kind else ()
            for rule in known or ():
                names = [name for name in rule.names if name.startswith(prefix)]
                if names and replace(rule, names=()).allows(asked):
                    yield from (name.removeprefix(prefix) for name in names)


def divisible(wanted: Attributes) -> bool:
    """Whether this is a request that may be answered in part."""
    return (
        wanted.resource == _SECRETS
        and not wanted.group
        and not wanted.subresource
        and wanted.verb in _READING
    )


def asked_key(wanted: Attributes, key: str) -> Attributes:
    """The question about one key of the Secret that is named."""
    return replace(wanted, subresource=KEYS, name=f"{wanted.name}/{key}")


def includes_part(rule: PolicyRule, resource: str, name: str | None) -> bool:
    """Whether a rule of the core group that allows more includes a right to a part of Secrets.

    Who has a verb on a Secret whole has it on its metadata and on each key of it, and who has it on
    all keys of one has it on each. ``name`` is None for a right to any.
    """
    whole, _, part = resource.partition("/")
    if whole != _SECRETS or part not in (METADATA, KEYS):
        return False
    secret, slash, _ = (name or "").partition("/")
    every = f"{secret}/{ALL}"
    if part == KEYS and slash and resource in rule.resources and every in rule.resourceNames:
        return True
    if _SECRETS not in rule.resources:
        return False
    if not rule.resourceNames:
        return True
    return secret in rule.resourceNames and bool(slash) == (part == KEYS)
