"""Events that are too large lose their bodies, then all that clients can make long.

What then still is too large is lost, which takes a limit below what any event needs: nobody is left
out of the log for having a long name, many groups or much to say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.api.audit import TRUNCATED
from strongroom.server.audit.event import MAX_NAME, cut
from strongroom.server.audit.losses import Losses
from strongroom.server.audit.sink import Sink

_encode = msgspec.json.Encoder().encode
_BODIES = ("requestObject", "responseObject")
_USERS = ("user", "impersonatedUser")
_OWN = ("authorization.k8s.io/", "secrets.strongroom.io/")
_MOST = 20
"""Groups of a user, and annotations, that are kept of an event that is too large."""


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
                line = shortened(line)
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


def shortened(line: bytes) -> bytes:
    """The event with names of bounded length, few groups, and no more of its users."""
    event = msgspec.json.decode(line, type=dict[str, Any])
    for who in _USERS:
        user = event.get(who)
        if isinstance(user, dict):
            event[who] = _short_user(user)
    given = event.pop("annotations", {})
    # The server's own first: webhooks and policies may have added any number before them.
    named = sorted((key for key in given if len(key) <= MAX_NAME), key=_is_foreign)[:_MOST]
    event["annotations"] = {key: cut(given[key], MAX_NAME) for key in named} | {TRUNCATED: "true"}
    return _encode(event) + b"\n"


def _is_foreign(key: str) -> bool:
    return not key.startswith(_OWN)


def _short_user(user: dict[str, Any]) -> dict[str, Any]:
    short = {key: cut(user[key], MAX_NAME) for key in ("username", "uid") if key in user}
    groups = [cut(group, MAX_NAME) for group in user.get("groups", ())[:_MOST]]
    return short | ({"groups": groups} if groups else {})
