"""An incident: one alert, whose count and evidence grow while it goes on."""

from __future__ import annotations

from copy import deepcopy
from hashlib import blake2b
from typing import TypeVar

from strongroom.api.times import parse_time
from strongroom.resources.secretalert import (
    AlertedSecret,
    AlertedUser,
    SecretAlert,
    SecretAlertSpec,
)
from strongroom.server.alerts.asked import ALL
from strongroom.server.alerts.events import Brief, Who
from strongroom.server.alerts.policy_file import Rule
from strongroom.server.alerts.rules import message

T = TypeVar("T", str, int)

LONGEST = 86400.0
"""Seconds after which an incident that does not end is told as a new one, if its cooldown is not
longer."""

EVERYWHERE = "kube-system"
"""Where alerts are that concern no single namespace."""

_LONGEST_NAME = 256
_MOST_SECRETS = 20
_MOST_OTHERS = 10
_MOST_COUNTED = 10_000
"""Secrets that are told from one another."""


class Incident:
    """What is known of an incident; ``spec`` is what is told of it.

    ``name`` and ``namespace`` are those of its SecretAlert, and ``told`` says that there is one.
    """

    def __init__(self, rule: Rule, key: str, user: Who, now: float) -> None:
        self.rule = rule
        self.key = key
        self.since = self.last = now
        self.told = False
        self.failures = 0
        """How often it could not be written since it last was."""
        self.name = self.namespace = ""
        self.spec = SecretAlertSpec(
            rule=rule.name,
            type=rule.type,
            severity=rule.severity,
            user=AlertedUser(
                name=user.username[:_LONGEST_NAME], groups=list(user.groups[:_MOST_OTHERS])
            ),
            incident=fingerprint(rule.name, key),
        )
        self._more = ""
        self._seen: set[tuple[str, str]] = set()

    @classmethod
    def told_before(cls, rule: Rule, key: str, alert: SecretAlert) -> Incident:
        """An incident of which somebody was told before a restart."""
        incident = cls(rule, key, Who(), 0)
        incident.spec, incident.told = deepcopy(alert.spec), True
        incident.name, incident.namespace = alert.metadata.name, alert.metadata.namespace
        incident.since = parse_time(alert.spec.firstTime).timestamp()
        incident.last = parse_time(alert.spec.lastTime).timestamp()
        incident._seen = {(one.namespace, one.name) for one in alert.spec.secrets}
        return incident

    def over(self, now: float, cooldown: float) -> bool:
        """Whether what is seen now is another incident."""
        return now - self.last > cooldown or now - self.since > max(LONGEST, cooldown)

    def add(self, now: float, brief: Brief, weight: int, *, net: bool = False) -> None:
        """Count a request about so many Secrets; ``net``: without those that were counted."""
        spec, user = self.spec, self.spec.user
        self.last = now
        spec.count += 1
        spec.firstTime = spec.firstTime or brief.received
        spec.lastTime = max(spec.lastTime, brief.received)
        for known, new in (
            (spec.verbs, brief.verb),
            (spec.reasons, brief.reason),
            (user.addresses, brief.address),
            (user.userAgents, brief.agent),
            (user.actingAs, brief.acting),
        ):
            _note(known, new)
        _note(spec.codes, brief.code)
        self._identify(brief.audit_id)
        self._more = brief.acting or brief.address
        if brief.secret is not None:
            self._count(brief.secret, weight, net=net)

    def describe(self) -> None:
        """Say it in a sentence, as it is by now."""
        spec = self.spec
        secrets = [(s.namespace or ALL, s.name or ALL) for s in spec.secrets]
        who = spec.user.name or self.key
        number = spec.secretCount if spec.type == "ManySecretsRead" else spec.count
        spec.message = message(self.rule, who, secrets, number, self._more)

    def place(self) -> str:
        """The namespace of all Secrets, if they are in one."""
        found = {secret.namespace for secret in self.spec.secrets}
        return found.pop() if len(found) == 1 and "" not in found else EVERYWHERE

    def _identify(self, audit_id: str) -> None:
        ids = self.spec.auditIDs
        if len(ids) >= 2 * _MOST_OTHERS:
            # The first ones stay, and of the others the last ones.
            del ids[_MOST_OTHERS]
        ids.append(audit_id)

    def _count(self, secret: tuple[str, str], weight: int, *, net: bool) -> None:
        if secret in self._seen or len(self._seen) >= _MOST_COUNTED:
            return
        namespace, name = secret
        if name and not net:
            shown = (namespace, "") in self._seen or ("", "") in self._seen
            weight = 0 if shown else weight
        elif not net:
            # A list shows what was read by name before once more.
            inside = sum(1 for where, one in self._seen if one and namespace in ("", where))
            weight = max(weight - inside, 0)
        self._seen.add(secret)
        self.spec.secretCount += weight
        if len(self.spec.secrets) < _MOST_SECRETS:
            self.spec.secrets.append(AlertedSecret(*secret))


def fingerprint(*words: str) -> str:
    """What an incident is known by over restarts."""
    return blake2b("\0".join(words).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _note(known: list[T], new: T) -> None:
    if new and new not in known and len(known) < _MOST_OTHERS:
        known.append(new)
