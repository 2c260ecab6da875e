"""Which requests are recorded, at which level and at which stages: a Policy's rules, as functions.

The first rule that matches decides; what matches none is not recorded. Rules see the user who
asks, not the one as whom they act: a policy cannot be escaped by impersonation.
Source: ``k8s.io/apiserver/pkg/audit/policy/checker.go``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from strongroom.access.user import User
from strongroom.server.audit.policy_file import GroupResources, Policy, PolicyRule
from strongroom.server.kept import Kept
from strongroom.server.urls import Target

REQUEST_RECEIVED = b"RequestReceived"
RESPONSE_STARTED = b"ResponseStarted"
RESPONSE_COMPLETE = b"ResponseComplete"
PANIC = b"Panic"


class Level(IntEnum):
    """How much is told: nothing, who did what, also what was sent, also what was answered."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


LEVELS = {
    "None": Level.NONE,
    "Metadata": Level.METADATA,
    "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}
_NAMES = {level: name.encode() for name, level in LEVELS.items()}

STAGES = frozenset({REQUEST_RECEIVED, RESPONSE_STARTED, RESPONSE_COMPLETE, PANIC})

_ASKERS = 16
"""Users of the same URL whose judgement is kept."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is recorded of a request: how much, at which stages, and how bodies are told."""

    level: Level
    stages: frozenset[bytes]
    managed_fields: bool = True
    name: bytes = field(init=False)
    """The level, as events tell it."""

    def __post_init__(self) -> None:
        # Worked out once: an event is made in a few microseconds.
        object.__setattr__(self, "name", _NAMES[self.level])


DEFAULT = Judgement(Level.METADATA, STAGES - {REQUEST_RECEIVED})
"""Without a policy: everything at Metadata, once it is done, and long answers when they begin."""

NOTHING = Judgement(Level.NONE, frozenset())
"""Of what matches no rule."""


class Judging:
    """Applies a policy to requests. What it says of a URL that comes again and again is kept.

    With ``secrets_always``, what concerns Secrets is recorded when it is done whatever the policy
    says, at Metadata at least: that somebody read a Secret is never left out.
    """

    def __init__(self, policy: Policy, *, secrets_always: bool) -> None:
        self._policy = policy
        self._always = secrets_always
        self._kept: Kept[Target, dict[str, tuple[User | None, Judgement]]] = Kept(lambda _: {})

    def of(self, target: Target, user: User | None) -> Judgement:
        """The judgement on a request of a user (None: of nobody known)."""
        if not target.lasting:
            return self._judge(target, user)
        known = self._kept.of(target)
        name = user.name if user is not None else ""
        last = known.get(name)
        if last is not None and last[0] is user:
            return last[1]
        if len(known) >= _ASKERS:
            known.clear()
        judgement = self._judge(target, user)
        known[name] = user, judgement
        return judgement

    def of_unread(self, method: str, path: str) -> Judgement:
        """The judgement on a request whose URL has no meaning, or more than one.

        It may have been meant for a Secret: somebody tries what a URL can do.
        """
        found = self._first_match(Target(method.lower(), path, {}), None)
        return at_least(found) if self._always else found

    def _judge(self, target: Target, user: User | None) -> Judgement:
        found = self._first_match(target, user)
        return at_least(found) if self._always and concerns_secrets(target) else found

    def _first_match(self, target: Target, user: User | None) -> Judgement:
        for rule in self._policy.rules:
            if matches(rule, target, user):
                return self._made(rule)
        return NOTHING

    def _made(self, rule: PolicyRule) -> Judgement:
        policy, level, own = self._policy, LEVELS[rule.level], rule.omitManagedFields
        if level is Level.NONE:
            return NOTHING
        omitted = {stage.encode() for stage in (*policy.omitStages, *rule.omitStages)}
        omit_managed_fields = policy.omitManagedFields if own is None else own
        return Judgement(level, STAGES - omitted, not omit_managed_fields)


def at_least(found: Judgement) -> Judgement:
    """The judgement with what is always recorded: the end of a request, who asked, and for what."""
    if found.level is Level.NONE:
        return DEFAULT
    return replace(found, stages=found.stages | {RESPONSE_COMPLETE, PANIC})


_SECRET_KINDS = frozenset(
    {
        ("", "secrets"),
        ("authentication.k8s.io", "tokenreviews"),
        ("strongroom.io", "encryptionoperations"),
        ("strongroom.io", "secretalerts"),
        ("strongroom.io", "secretgrants"),
        ("strongroom.io", "secretrevisions"),
    }
)


def concerns_secrets(target: Target) -> bool:
    """Whether a request is for Secrets or what is known of them, or for tokens."""
    kind = target.group, target.resource
    token = kind == ("", "serviceaccounts") and target.subresource == "token"
    return token or kind in _SECRET_KINDS


def matches(rule: PolicyRule, target: Target, user: User | None) -> bool:
    """Whether a rule is about a request."""
    if rule.users and (user is None or user.name not in rule.users):
        return False
    if rule.userGroups and (user is None or not any(g in rule.userGroups for g in user.groups)):
        return False
    if rule.verbs and target.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return _matches_resource(rule, target)
    if rule.nonResourceURLs:
        return not target.is_resource and any(
            _matches_path(pattern, target.path) for pattern in rule.nonResourceURLs
        )
    return True


def _matches_path(pattern: str, path: str) -> bool:
    if pattern in ("*", path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def _matches_resource(rule: PolicyRule, target: Target) -> bool:
    if not target.is_resource:
        return False
    # What has no namespace has the empty one.
    if rule.namespaces and target.namespace not in rule.namespaces:
        return False
    return not rule.resources or any(_matches_group(entry, target) for entry in rule.resources)


def _matches_group(entry: GroupResources, target: Target) -> bool:
    if entry.group not in (target.group, "*"):
        return False
    if not entry.resources:
        return True
    if entry.resourceNames and target.name not in entry.resourceNames:
        return False
    part = target.subresource
    whole = f"{target.resource}/{part}" if part else target.resource
    # "pods/*" takes pods themselves in, as upstream's does.
    wanted = {"*", whole, f"{target.resource}/*"} | ({f"*/{part}"} if part else set())
    return not wanted.isdisjoint(entry.resources)
