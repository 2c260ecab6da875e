"""What each kind of rule sees in a request."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from strongroom.backup import lines as backup
from strongroom.server.alerts.asked import ALL, is_dry_run, listed
from strongroom.server.alerts.events import Seen, network
from strongroom.server.alerts.matching import Chosen
from strongroom.server.alerts.memory import Memory
from strongroom.server.alerts.policy_file import (
    ACTING,
    CREDENTIALS,
    EVERYWHERE,
    FIRST,
    MANY,
    OTHERS_TOKEN,
    REFUSED,
    SECRETS,
    TOKEN,
    WHOLE,
    Rule,
    seconds,
)
from strongroom.server.alerts.windows import Window

WATCH = "watch"
WRITES = frozenset({"create", "update"})
"""Verbs whose answer shows the values that were sent."""


_numbers = itertools.count()
"""Tell requests apart that count each. Their audit IDs do not: clients may choose them, and one
that is always the same would make one request of all."""


class Surroundings(Protocol):
    """What rules ask about the cluster."""

    def count(self, namespace: str) -> int:
        """How many Secrets there are in a namespace, or in all of them."""
        ...

    def age(self, namespace: str, name: str) -> float | None:
        """Seconds since a Secret was made; None where there is none."""
        ...


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """That a rule is about a request.

    ``key`` is for whom it counts, ``thing`` what counts once, and so much; ``secret`` the Secret
    in question where it is not the one that was asked for.
    """

    key: str
    thing: Hashable
    weight: int = 1
    secret: tuple[str, str] | None = None


@dataclass(slots=True)
class Context:
    """What all rules share: ``since`` is from when on a rule has been learning, by its name."""

    memory: Memory
    around: Surroundings
    since: Mapping[str, float]


class Watcher(ABC):
    """A rule at work. ``look`` tells whether it is about a request."""

    def __init__(self, rule: Rule, context: Context) -> None:
        self.rule = rule
        self.window = seconds(rule.window)
        self.cooldown = seconds(rule.cooldown)
        self.chosen = Chosen(rule)
        self.context = context

    @abstractmethod
    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        """What it sees in a request whose answer had values of ``sent`` Secrets."""

    def weigh(self, sighting: Sighting, window: Window) -> int:
        """What a sighting counts beside what is in the window already."""
        return sighting.weight

    def learning(self, now: float) -> bool:
        """Whether what is new is taken for usual yet."""
        since = self.context.since.get(self.rule.name, now)
        return now < since + seconds(self.rule.learning)


class ManySecretsRead(Watcher):
    """Values of many different Secrets, by one user."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        if not sent or not self.chosen.includes(seen):
            return None
        namespace = seen.objectRef.namespace
        name = seen.secret or listed(seen.requestURI, sent)
        return Sighting(_who(seen), (namespace, name), sent)

    def weigh(self, sighting: Sighting, window: Window) -> int:
        # What a list has shown is no other Secret when it is read by name, and the reverse.
        namespace, name = thing = _pair(sighting.thing)
        if name.startswith(ALL) and name != ALL:
            return sighting.weight
        if name != ALL:
            shown = window.weight((namespace, ALL)) or window.weight(("", ALL))
            return 0 if shown and not window.weight(thing) else sighting.weight
        named = [other for other in map(_pair, window.things()) if not other[1].startswith(ALL)]
        inside = sum(1 for where, _ in named if not namespace or where == namespace)
        return max(sighting.weight - inside, 0)


class FirstRead(Watcher):
    """Values of a Secret, by a user who never read them before."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        if not sent or not self.chosen.includes(seen):
            return None
        user, namespace = _who(seen), seen.objectRef.namespace
        name = seen.secret or seen.annotations.name or ALL
        made = seen.verb in WRITES or seen.responseStatus.code == 201
        if made and is_dry_run(seen.requestURI):
            return None  # Nobody knows a value for having tried what could be written.
        if self._known(now, user, namespace, name):
            return None
        self.context.memory.learn(now, FIRST, self.rule.name, user, namespace, name)
        if made or self.learning(now):
            return None
        age = self.context.around.age(namespace, name) if name != ALL else None
        if age is not None and age < seconds(self.rule.youth):
            return None
        return Sighting(user, (namespace, name))

    def _known(self, now: float, user: str, namespace: str, name: str) -> bool:
        """Whether the user read it before, or with all others of its namespace."""
        before = FIRST, self.rule.name, user
        knows = self.context.memory.knows
        return (
            knows(now, *before, namespace, name)
            or (name != ALL and knows(now, *before, namespace, ALL))
            or (bool(namespace) and knows(now, *before, "", ALL))
        )


class ListAcrossNamespaces(Watcher):
    """Values of Secrets of all namespaces, listed or watched at once."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        if not sent or seen.objectRef.namespace or seen.verb not in ("list", WATCH):
            return None
        if not self.chosen.includes(seen):
            return None
        return Sighting(_who(seen), next(_numbers))


class RepeatedRefusals(Watcher):
    """Requests that were refused, by user, or by address where the user is not known."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        unknown = seen.responseStatus.code == 401
        wanted = self.rule.refused
        if unknown != (wanted == CREDENTIALS):
            return None
        if wanted == SECRETS and not seen.about_secrets:
            return None
        if not self.chosen.includes(seen):
            return None
        return Sighting(network(seen.address) if unknown else _who(seen), next(_numbers))


class TokenFromNewAddress(Watcher):
    """A token that a Secret keeps, used from where it was never used before."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        name = seen.annotations.manual or seen.annotations.generated
        if not name or not self.chosen.includes(seen):
            return None
        # system:serviceaccount:NAMESPACE:NAME; its Secrets are in its namespace.
        namespace = seen.user.username.split(":")[2] if seen.user.username.count(":") == 3 else ""
        place, memory = network(seen.address), self.context.memory
        token = TOKEN, self.rule.name, namespace, name
        if memory.knows(now, *token, place):
            return None
        used_before = memory.knows(now, *token)
        memory.learn(now, *token, place)
        if not used_before:
            memory.learn(now, *token)
            return None
        if self.learning(now):
            return None
        return Sighting(f"{namespace}/{name}", place, secret=(namespace, name))


class ImpersonatedRead(Watcher):
    """Values of Secrets, read by acting as somebody else."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        if not sent or seen.impersonatedUser is None or not self.chosen.includes(seen):
            return None
        return Sighting(_who(seen), next(_numbers))


class TokenForAnother(Watcher):
    """A token of a ServiceAccount, made at the request of somebody else."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        ref = seen.objectRef
        if seen.verb != "create" or (ref.resource, ref.subresource) != ("serviceaccounts", "token"):
            return None
        if seen.user.username == f"system:serviceaccount:{ref.namespace}:{ref.name}":
            return None
        if seen.responseStatus.code >= 300 or not self.chosen.includes(seen):
            return None
        return Sighting(_who(seen), next(_numbers))


class WholeStoreRead(Watcher):
    """Everything that is stored, read at once: a backup."""

    def look(self, seen: Seen, sent: int, now: float) -> Sighting | None:
        if seen.verb != "get" or seen.requestURI.partition("?")[0] != backup.PATH:
            return None
        if seen.responseStatus.code >= 300 or not self.chosen.includes(seen):
            return None
        return Sighting(_who(seen), next(_numbers))


MAKERS: Mapping[str, Callable[[Rule, Context], Watcher]] = {
    MANY: ManySecretsRead,
    FIRST: FirstRead,
    EVERYWHERE: ListAcrossNamespaces,
    REFUSED: RepeatedRefusals,
    TOKEN: TokenFromNewAddress,
    ACTING: ImpersonatedRead,
    OTHERS_TOKEN: TokenForAnother,
    WHOLE: WholeStoreRead,
}

READS = frozenset({MANY, FIRST, EVERYWHERE, ACTING})
"""Kinds that look only at answers with values."""


def _who(seen: Seen) -> str:
    """The user; where nobody can be told from others, the address."""
    name = seen.user.username
    return name if name and name != "system:anonymous" else network(seen.address)


def _pair(thing: Hashable) -> tuple[str, str]:
    """A thing of ManySecretsRead, which has no others."""
    return thing  # type: ignore[return-value]  # see above


def message(rule: Rule, who: str, secrets: list[tuple[str, str]], count: int, more: str) -> str:
    """What happened, in a sentence. ``more`` is what only one kind tells: an address, or users."""
    first = "/".join(secrets[0]) if secrets else ""
    others = f" and {len(secrets) - 1} more" if len(secrets) > 1 else ""
    if rule.type == MANY and count == 1:
        return f"{who} read {first}"
    if rule.type == MANY:
        return f"{who} read many Secrets: {count} ({rule.threshold} within {rule.window} are many)"
    if rule.type == FIRST:
        return f"{who} read {first}{others}, never before read by them"
    if rule.type == EVERYWHERE:
        return f"{who} listed or watched the Secrets of all namespaces"
    if rule.type == TOKEN:
        return f"the token in Secret {first} was used from {more}, where it was never used before"
    if rule.type == ACTING:
        return f"{who} read {first}{others} acting as {more}"
    if rule.type == OTHERS_TOKEN:
        return f"{who} had a token of another account made"
    if rule.type == WHOLE:
        return f"{who} read all that is stored, as for a backup"
    if rule.refused == CREDENTIALS:
        return f"{who} showed credentials that were not accepted, {count} times"
    what = "Secrets" if rule.refused == SECRETS else "what was asked for"
    return f"{who} was refused {what}, {count} times"
