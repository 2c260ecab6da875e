"""What is kept of alerts: not what is too old, and of too many what matters least goes first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, Counter

from strongroom.api.meta import ObjectMeta
from strongroom.api.times import format_micro_time
from strongroom.registry.registry import Registry
from strongroom.resources.event import EVENTS
from strongroom.resources.secret import SECRETS
from strongroom.resources.secretalert import (
    SECRET_ALERTS,
    AlertAcknowledgement,
    SecretAlert,
    SecretAlertSpec,
)
from strongroom.server.alerts.outlets import Outlets
from strongroom.server.alerts.policy_file import Keep
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds
from strongroom.storage.memory import MemoryStore
from strongroom.testing.clock import ManualClock
from tests.waiting import until

KINDS = (SECRET_ALERTS, EVENTS, SECRETS)


async def kept(keep: Keep, *alerts: tuple[str, str, int, bool]) -> list[str]:
    """Which of the alerts (name, severity, age in days, acknowledged) a sweep leaves."""
    clock, store = ManualClock(), MemoryStore()
    kinds = Kinds([Registry(kind, store, (), clock) for kind in KINDS])
    for registry in kinds.fixed():
        await registry.start()
    registry = kinds.registry(SECRET_ALERTS.group, SECRET_ALERTS.plural)
    for name, severity, days, seen in alerts:
        time = format_micro_time(clock.now() - timedelta(days=days))
        spec = SecretAlertSpec(rule="r", severity=severity, lastTime=time)
        alert = SecretAlert(metadata=ObjectMeta(name=name, namespace="shop"), spec=spec)
        if seen:
            alert.status.acknowledgement = AlertAcknowledgement(by="ann")
        await registry.create(own_context(clock, "create", "secretalerts"), "shop", alert)
    raised = Counter("raised", "", ("rule", "severity"), registry=CollectorRegistry())
    outlets = Outlets(kinds, clock, raised, lambda alert: None)

    async def names() -> list[str]:
        return sorted(alert.metadata.name for alert in outlets.alerts())

    await until(names, lambda found: len(found) == len(alerts))
    await outlets.sweep(keep)
    # At most so many: what the cache shows may be a moment behind.
    left = await until(names, lambda found: len(found) <= keep.number and "old" not in found)
    for one in kinds.fixed():
        await one.close()
    return left


OLD = ("old", "critical", 31, False)
SEEN = ("seen", "critical", 1, True)
LOW = ("low", "low", 1, False)
HIGH = ("high", "high", 5, False)
EARLIER = ("earlier", "high", 6, False)


@pytest.mark.parametrize(
    ("number", "left"),
    [
        (9, ["earlier", "high", "low", "seen"]),
        (3, ["earlier", "high", "low"]),
        (2, ["earlier", "high"]),
        (1, ["high"]),
    ],
)
async def test_a_sweep_leaves_what_matters(number: int, left: list[str]) -> None:
    assert await kept(Keep(number=number), OLD, SEEN, LOW, HIGH, EARLIER) == left
