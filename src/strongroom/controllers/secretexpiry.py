"""Tells by Events when Secrets are about to expire, have expired, or are due to be replaced.

No value gets here. What people say stands in annotations; what certificates and tokens say of
themselves, strongroom's API server tells in SecretUsages. On other clusters there are none of
these, and annotations alone count. Each Event is told once a state, and again once a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.times import format_time, parse_time
from strongroom.client.backoff import Backoff, Sleep
from strongroom.client.client import Client
from strongroom.client.discovery import Served, discover
from strongroom.client.errors import ClientFailure
from strongroom.client.events import EventRecorder, ObjectReference
from strongroom.client.informer import Change, Follower, Informer
from strongroom.client.queue import WorkQueue
from strongroom.client.secret_following import SecretTimes, secrets_by_metadata, value_end
from strongroom.controllers.controller import Key
from strongroom.resources.event import EVENTS
from strongroom.resources.secret_expiry import Expiry, Facts
from strongroom.resources.secretusage import SECRET_USAGES, SecretUsage

WARNINGS = (timedelta(days=30), timedelta(days=7), timedelta(days=1))
"""How long before its end a Secret is told of: each is a state of its own."""
PERIOD = 60.0
"""Seconds between two looks at the clock for all Secrets that have an end or are to be replaced."""
AGAIN = timedelta(days=1)
"""After which a state that lasts is told again."""

_log = logging.getLogger("strongroom.controllers")


@dataclass(frozen=True, slots=True)
class State:
    """What is to be told of a Secret. ``message`` is the same as long as the state lasts."""

    reason: Literal["SecretExpiring", "SecretExpired", "SecretRotationDue"]
    message: str


def states(facts: Facts, now: datetime, warnings: Sequence[timedelta]) -> Iterator[State]:
    """What there is to tell now."""
    end = facts.expiry
    if end is not None and end.at <= now:
        yield State("SecretExpired", f"{_subject(end)} expired at {format_time(end.at)}")
    elif end is not None:
        within = min((span for span in warnings if end.at - now <= span), default=None)
        if within is not None:
            when = f"within {within.days}d" if within.days else f"within {within}"
            text = f"{_subject(end)} expires {when}, at {format_time(end.at)}"
            yield State("SecretExpiring", text)
    if (due := facts.due) is not None and due <= now:
        last = format_time(facts.changed)
        text = f"the values last changed at {last}; new ones were due at {format_time(due)}"
        yield State("SecretRotationDue", text)


def _subject(end: Expiry) -> str:
    return f"the {end.what} ({end.path})"


class SecretExpiry:
    """Keys are Secrets that have something to tell."""

    name = "secretexpiry"
    workers = 2

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        clock: Clock,
        warnings: Sequence[timedelta] = WARNINGS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=1.0, limit=60.0)
        self._client = client
        self._events = events
        self._clock = clock
        self._warnings = warnings
        self._sleep = sleep
        self._secrets = Follower(secrets_by_metadata(client))
        self._usages = Informer(client, SECRET_USAGES)
        self._follows_usages = False
        self._told: dict[Key, dict[State, datetime]] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        served = await self._served()
        self._follows_usages = bool(served.find(SECRET_USAGES.api_version, SECRET_USAGES.kind))
        if self._follows_usages:
            self._usages.start()
            await self._usages.wait_synced()
            self._usages.add_handler(self._on_usage)
        self._secrets.add_handler(self._on_secret)
        self._secrets.start()
        await self._secrets.wait_synced()
        self._ticker = asyncio.create_task(self._tick())

    async def _served(self) -> Served:
        """What the server serves, as soon as it answers."""
        backoff = Backoff(initial=0.2, limit=30.0)
        while True:
            try:
                return await discover(self._client)
            except (StatusError, ClientFailure) as error:
                _log.warning("cannot ask what is served: %s", error)
                await self._sleep(backoff.next())

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        await self._secrets.close()
        if self._follows_usages:
            await self._usages.close()

    def _on_secret(self, change: Change[SecretTimes]) -> None:
        meta = change.obj.metadata
        key = meta.namespace, meta.name
        if change.type == "deleted":
            self._told.pop(key, None)
        else:
            self._look(key)

    def _on_usage(self, change: Change[SecretUsage]) -> None:
        meta = change.obj.metadata
        self._look((meta.namespace, meta.name))

    def _look(self, key: Key) -> None:
        """Ask for work if there is something to tell that was not told today."""
        if self._untold(key):
            self.queue.add(key)

    async def _tick(self) -> None:
        while True:
            await self._sleep(PERIOD)
            for secret in self._secrets.items():
                self._look((secret.metadata.namespace, secret.metadata.name))

    def _untold(self, key: Key) -> list[State]:
        secret, now = self._secrets.get(*key), self._clock.now()
        if secret is None:
            return []
        usage = self._usages.get(*key)
        end = None
        if usage is not None and _is_of(usage, secret):
            end = value_end(usage.expiresAt, usage.expiresWhat, usage.expiresFrom)
        told = self._told.get(key, {})
        current = list(states(secret.with_end(end), now, self._warnings))
        if key in self._told:
            # What is over may come back, and is news then.
            self._told[key] = {state: told[state] for state in current if state in told}
        return [s for s in current if s not in told or now - told[s] >= AGAIN]

    async def reconcile(self, key: Key) -> None:
        secret = self._secrets.get(*key)
        if secret is None:
            return
        meta = secret.metadata
        if key not in self._told:
            self._told[key] = await self._told_before(secret)
        about = ObjectReference(
            "Secret", "v1", meta.name, meta.namespace, meta.uid, meta.resourceVersion
        )
        for state in self._untold(key):
            self._told.setdefault(key, {})[state] = self._clock.now()
            self._events.record(about, "Warning", state.reason, state.message)

    async def _told_before(self, secret: SecretTimes) -> dict[State, datetime]:
        """What an earlier run has told, as far as its Events are still there."""
        selector = f"involvedObject.uid={secret.metadata.uid}"
        namespace = secret.metadata.namespace
        page = await self._client.list(EVENTS, namespace, field_selector=selector)
        return {
            State(event.reason, event.message): parse_time(event.lastTimestamp)  # type: ignore[arg-type]  # others match nothing
            for event in page.items
            if event.lastTimestamp
        }


def _is_of(usage: SecretUsage, secret: SecretTimes) -> bool:
    """Whether it tells of this very Secret, and not of an earlier one of its name."""
    return any(owner.uid == secret.metadata.uid for owner in usage.metadata.ownerReferences)
