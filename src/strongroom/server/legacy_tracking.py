"""Tells since when the use of tokens in Secrets is written down, for who puts unused ones away.

Source: ``pkg/controlplane/controller/legacytokentracking``.
"""

from __future__ import annotations

from strongroom.api.clock import Clock
from strongroom.api.meta import ObjectMeta
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.legacy_tokens import (
    TRACKING_KEY,
    TRACKING_NAME,
    TRACKING_NAMESPACE,
    read_day,
    write_day,
)
from strongroom.server.builtins import ensure
from strongroom.server.kinds import Kinds


async def ensure_tracking(kinds: Kinds, clock: Clock) -> None:
    """Have the ConfigMap tell a day: today, where it tells none. Raises StatusError."""
    meta = ObjectMeta(name=TRACKING_NAME, namespace=TRACKING_NAMESPACE)
    wanted = ConfigMap(metadata=meta, data={TRACKING_KEY: write_day(clock.now())})
    await ensure(kinds.registry("", "configmaps"), clock, wanted, _tells_a_day)


def _tells_a_day(found: ConfigMap) -> bool:
    try:
        read_day(found.data.get(TRACKING_KEY, ""))
    except ValueError:
        return False
    return True
