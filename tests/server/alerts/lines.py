"""Audit events as the server writes them, and an engine that is fed with them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from strongroom.api.times import format_micro_time
from strongroom.resources.secretalert import SecretAlertSpec
from strongroom.server.alerts.engine import Engine
from strongroom.server.alerts.memory import Memory
from strongroom.server.alerts.policy_file import Rule
from strongroom.testing.clock import ManualClock

HOUR, DAY = 3600.0, 86400.0
_numbers = itertools.count(1)


class Around:
    """A cluster with so many Secrets in each namespace, all of this age."""

    def __init__(self, count: int = 3, age: float | None = 100 * DAY) -> None:
        self._count = count
        self._age = age

    def count(self, namespace: str) -> int:
        return self._count

    def age(self, namespace: str, name: str) -> float | None:
        return self._age


class Watch:
    """An engine with some rules, on a clock of the test's."""

    def __init__(
        self, *rules: Rule, around: Around | None = None, memory: Memory | None = None
    ) -> None:
        self.clock = ManualClock()
        self.memory = memory or Memory()
        self.engine = Engine(self.clock, self.memory, around or Around())
        self.engine.use(rules)
        self.told: dict[str, SecretAlertSpec] = {}

    def see(self, verb: str = "get", name: str = "db", **given: Any) -> list[str]:
        """Feed one request; the rules that were changed by it."""
        self.engine.feed([event(self.clock, verb, name, **given)])
        return [spec.rule for spec in self.changed()]

    def changed(self) -> list[SecretAlertSpec]:
        incidents = self.engine.take()
        for incident in incidents:
            incident.describe()
            self.told[incident.spec.rule] = incident.spec
        return [incident.spec for incident in incidents]


def event(
    clock: ManualClock,
    verb: str = "get",
    name: str = "db",
    *,
    namespace: str = "shop",
    user: str = "jane",
    groups: Sequence[str] = ("devs",),
    code: int = 200,
    values: str | None = None,
    address: str = "10.0.0.1",
    agent: str = "kubectl",
    acting: str = "",
    resource: str = "secrets",
    subresource: str = "",
    stage: str = "ResponseComplete",
    audit_id: str = "",
    token: str = "",
    reason: str = "RBAC: allowed",
    query: str = "",
    path: str = "/api/v1/secrets",
) -> bytes:
    """A line of the audit log."""
    if values is None:
        values = ("watch" if verb == "watch" else "1") if code < 300 else ""
    notes = {
        "authorization.k8s.io/reason": reason,
        "secrets.strongroom.io/values": values if resource == "secrets" else "",
        "authentication.k8s.io/legacy-token-manual-secret": token,
    }
    reference = {
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "subresource": subresource,
    }
    tree = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": audit_id or f"id-{next(_numbers)}",
        "stage": stage,
        "verb": verb,
        "requestURI": f"{path}{query}",
        "user": {"username": user, "groups": list(groups)} if user else {},
        **({"impersonatedUser": {"username": acting}} if acting else {}),
        "sourceIPs": [address],
        "userAgent": agent,
        "objectRef": {key: value for key, value in reference.items() if value},
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": format_micro_time(clock.now()),
        "annotations": {key: value for key, value in notes.items() if value},
    }
    return json.dumps(tree).encode() + b"\n"
