"""What incidents become: a SecretAlert, an Event, a number."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b

from prometheus_client import Counter

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import DeleteOptions, ObjectMeta
from strongroom.api.times import format_time, parse_time
from strongroom.registry.context import RequestContext
from strongroom.registry.view import AnyView
from strongroom.resources.event import Event, EventSource
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.secretalert import (
    ACKNOWLEDGED,
    SECRET_ALERTS,
    SecretAlert,
    severity_rank,
    state,
)
from strongroom.server.alerts.incidents import EVERYWHERE, Incident
from strongroom.server.alerts.policy_file import Keep, seconds
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server.alerts")

COMPONENT = "strongroom-alerts"
_LONGEST_MESSAGE = 1000
_TOO_MANY = 100
_NOT_THERE = (400, 403, 404, 422)


class Outlets:
    """Tells of incidents. ``sent`` is given each alert when it is raised."""

    def __init__(
        self, kinds: Kinds, clock: Clock, raised: Counter, sent: Callable[[SecretAlert], None]
    ) -> None:
        self._alerts = kinds.registry(SECRET_ALERTS.group, SECRET_ALERTS.plural)
        self._events = kinds.registry("", "events")
        self._secrets = kinds.registry("", "secrets")
        self._clock = clock
        self._raised = raised
        self._sent = sent

    def alerts(self) -> list[SecretAlert]:
        """All that are there and can be read; nobody may change them."""
        entries = self._alerts.cache.list(SECRET_ALERTS.prefix()).items
        return [entry.item.peek() for entry in entries if entry.error is None]

    def too_many(self, keep: Keep) -> bool:
        """Whether there are so many that they should not wait to be removed."""
        return len(self._alerts.cache) > keep.number + _TOO_MANY

    async def tell(self, incident: Incident) -> None:
        """Write what an incident is by now. Raises StatusError, which a later turn mends."""
        incident.describe()
        if incident.told:
            await self._count_up(incident)
        else:
            await self._raise(incident)
        try:
            await self._write_event(incident)
        except StatusError as error:
            log(logger, logging.WARNING, "an Event of an alert could not be written", error)

    async def sweep(self, keep: Keep) -> None:
        """Remove what is too old, and of what is too much the acknowledged, least severe, oldest.

        So nobody can drive an alert out by raising many that matter less.
        """
        found = self.alerts()
        end = self._clock.now() - timedelta(seconds=seconds(keep.age))
        gone = [alert for alert in found if _last(alert) < end]
        left = [alert for alert in found if _last(alert) >= end]
        left.sort(key=_worth)
        gone += left[: max(len(left) - keep.number, 0)]
        for alert in gone:
            meta = alert.metadata
            ctx = self._context("delete", meta.namespace)
            try:
                await self._alerts.delete(ctx, meta.namespace, meta.name, DeleteOptions())
            except StatusError as error:
                if error.code not in (404, 409):
                    raise

    async def _raise(self, incident: Incident) -> None:
        spec = incident.spec
        incident.name = f"{spec.rule}-{_short(spec.incident, spec.firstTime)}"
        incident.namespace = incident.place()
        try:
            made = await self._create(incident)
        except StatusError as error:
            # Of a namespace that is going, or gone, or never was, or where a policy says no.
            if error.code not in _NOT_THERE or incident.namespace == EVERYWHERE:
                raise
            incident.namespace = EVERYWHERE
            made = await self._create(incident)
        incident.told = True
        self._raised.labels(spec.rule, spec.severity).inc()
        text = f"{incident.namespace}/{incident.name}"
        log(logger, logging.WARNING, "alert raised", alert=text, severity=spec.severity)
        if made is not None:
            self._sent(made)

    async def _create(self, incident: Incident) -> SecretAlert | None:
        """The alert as it was made; None where it was there already."""
        meta = ObjectMeta(name=incident.name, namespace=incident.namespace)
        alert = SecretAlert(metadata=meta, spec=incident.spec)
        ctx = self._context("create", incident.namespace)
        try:
            view = await self._alerts.create(ctx, incident.namespace, alert)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            return None
        made: SecretAlert = view.decode()
        return made

    async def _count_up(self, incident: Incident) -> None:
        key = SECRET_ALERTS.key(incident.namespace, incident.name)
        entry = self._alerts.cache.get(key)
        if entry is None or entry.error is not None:
            return  # Somebody has deleted it, and need not see it again.
        alert: SecretAlert = entry.item.decode()
        alert.spec = incident.spec
        ctx = self._context("update", incident.namespace)
        try:
            await self._alerts.update(ctx, incident.namespace, incident.name, alert)
        except StatusError as error:
            if error.code != 404:
                raise

    async def _write_event(self, incident: Incident) -> None:
        about = self._about(incident)
        namespace, name = incident.namespace, f"{incident.name}.alert"
        entry = self._events.cache.get(self._events.resource.key(namespace, name))
        known = entry.item.decode() if entry is not None and entry.error is None else None
        event = _event(incident, about, name)
        if known is None:
            ctx = own_context(self._clock, "create", "events", namespace=namespace)
            await self._events.create(ctx, namespace, event)
            return
        event.metadata = known.metadata
        ctx = own_context(self._clock, "update", "events", namespace=namespace)
        await self._events.update(ctx, namespace, name, event)

    def _about(self, incident: Incident) -> ObjectReference:
        """The Secret, if it is one that can be named; else the namespace of the alert."""
        secrets, namespace = incident.spec.secrets, incident.namespace
        if len(secrets) == 1 and secrets[0].name and secrets[0].namespace == namespace:
            view = self._secret(namespace, secrets[0].name)
            uid = view.obj.metadata.uid if view is not None else ""
            return ObjectReference(
                kind="Secret",
                apiVersion="v1",
                namespace=namespace,
                name=secrets[0].name,
                uid=uid,
            )
        return ObjectReference(
            kind="Namespace", apiVersion="v1", namespace=namespace, name=namespace
        )

    def _secret(self, namespace: str, name: str) -> AnyView | None:
        entry = self._secrets.cache.get(self._secrets.resource.key(namespace, name))
        return entry.item if entry is not None and entry.error is None else None

    def _context(self, verb: str, namespace: str) -> RequestContext:
        group, plural = SECRET_ALERTS.group, SECRET_ALERTS.plural
        return own_context(self._clock, verb, plural, group=group, namespace=namespace)


def _event(incident: Incident, about: ObjectReference, name: str) -> Event:
    spec = incident.spec
    first, last = (format_time(parse_time(t)) for t in (spec.firstTime, spec.lastTime))
    message = f"{spec.message[:_LONGEST_MESSAGE]} (SecretAlert {incident.name})"
    return Event(
        metadata=ObjectMeta(name=name, namespace=incident.namespace),
        involvedObject=about,
        reason=spec.type,
        message=message,
        source=EventSource(component=COMPONENT),
        reportingComponent=COMPONENT,
        firstTimestamp=first,
        lastTimestamp=last,
        count=spec.count,
        type="Warning",
    )


def _short(*words: str) -> str:
    return blake2b("\0".join(words).encode(), digest_size=4).hexdigest()


def _worth(alert: SecretAlert) -> tuple[bool, int, datetime]:
    return state(alert) != ACKNOWLEDGED, severity_rank(alert), _last(alert)


def _last(alert: SecretAlert) -> datetime:
    return parse_time(alert.spec.lastTime or alert.metadata.creationTimestamp)
