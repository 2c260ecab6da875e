"""What rules ask about the cluster, answered by the caches."""

from __future__ import annotations

import msgspec

from strongroom.api.clock import Clock
from strongroom.api.times import parse_time
from strongroom.server.kinds import Kinds


class _Made(msgspec.Struct):
    creationTimestamp: str = ""


_made = msgspec.json.Decoder(_Made)


class ClusterFacts:
    """How many Secrets there are, and how old they are."""

    def __init__(self, kinds: Kinds, clock: Clock) -> None:
        self._secrets = kinds.registry("", "secrets")
        self._clock = clock

    def count(self, namespace: str) -> int:
        prefix = self._secrets.resource.prefix(namespace)
        return len(self._secrets.cache.list(prefix).items)

    def age(self, namespace: str, name: str) -> float | None:
        entry = self._secrets.cache.get(self._secrets.resource.key(namespace, name))
        if entry is None or entry.error is not None:
            return None
        made = _made.decode(entry.item.metadata).creationTimestamp
        return (self._clock.now() - parse_time(made)).total_seconds() if made else None
