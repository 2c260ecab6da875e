"""Events that are too large lose their bodies; those that then still are too large are lost."""

from __future__ import annotations

import msgspec

from strongroom.api.audit import TRUNCATED
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.sink import Sink

_encode = msgspec.json.Encoder().encode
_BODIES = ("requestObject", "responseObject")


class Truncating:
    """Hands events of up to ``most`` bytes on to another sink."""

    def __init__(self, sink: Sink, most: int, losses: Losses) -> None:
        self._sink = sink
        self._most = most
        self._losses = losses

    def write(self, line: bytes) -> None:
        if len(line) > self._most:
            line = without_bodies(line)
            if len(line) > self._most:
                self._losses.lost(1, why="the event is too large even without its bodies")
                return
        self._sink.write(line)


def without_bodies(line: bytes) -> bytes:
    """The event without its bodies, marked, if it has any; its annotations stay last."""
    event: dict[str, msgspec.Raw] = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    if not any(name in event for name in _BODIES):
        return line
    for name in _BODIES:
        event.pop(name, None)
    given = event.pop("annotations", None)
    annotations = msgspec.json.decode(given, type=dict[str, str]) if given is not None else {}
    event["annotations"] = msgspec.Raw(_encode(annotations | {TRUNCATED: "true"}))
    return _encode(event) + b"\n"
