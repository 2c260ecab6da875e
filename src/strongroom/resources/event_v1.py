"""Event of events.k8s.io: the newer form of the core Event, with which it shares its storage.

Rules: ``ValidateEventCreate`` and ``ValidateEventUpdate`` of ``pkg/apis/core/validation``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec.structs import fields

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import IMMUTABLE, Path, dns_subdomain, invalid_value, required
from strongroom.resources import event as core
from strongroom.resources.event import EVENTS, EventSource
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Column, Resource, StoredForm

API_PACKAGE = "io.k8s.api.events.v1"
"""Where OpenAPI places the types of this module."""

_TYPES = ("Normal", "Warning")
_UNSET = "needs to be unset"


class EventSeries(Struct):
    """How often an event has happened in a row."""

    count: Annotated[
        int, F(1, "Number of occurrences up to the last one seen.", format="int32", required=True)
    ] = always(int)
    lastObservedTime: Annotated[
        str,
        F(
            2,
            "When the last occurrence was seen.",
            format="date-time",
            by_value=True,
            micro=True,
            required=True,
        ),
    ] = ""


class Event(Object):
    """A report that something happened to an object; kept for a short time only."""

    eventTime: Annotated[
        str,
        F(
            2,
            "When it was first seen.",
            format="date-time",
            by_value=True,
            micro=True,
            required=True,
        ),
    ] = ""
    series: Annotated[
        EventSeries | None, F(3, "The series that this event belongs to, if it goes on.")
    ] = None
    reportingController: Annotated[
        str, F(4, "Name of the controller that reports, such as `kubernetes.io/kubelet`.")
    ] = ""
    reportingInstance: Annotated[str, F(5, "Which instance of the controller reports.")] = ""
    action: Annotated[str, F(6, "What was done, or failed, about the object.")] = ""
    reason: Annotated[str, F(7, "Why it happened, short and machine-readable.")] = ""
    regarding: Annotated[ObjectReference, F(8, "The object that the event is about.")] = (
        msgspec.field(default_factory=ObjectReference)
    )
    related: Annotated[ObjectReference | None, F(9, "A second object that plays a part.")] = None
    note: Annotated[str, F(10, "What happened, for people.")] = ""
    type: Annotated[str, F(11, "Normal or Warning; others may come.")] = ""
    deprecatedSource: Annotated[EventSource, F(12, "The `source` of the core form.")] = (
        msgspec.field(default_factory=EventSource)
    )
    deprecatedFirstTimestamp: Annotated[
        str, F(13, "The `firstTimestamp` of the core form.", format="date-time", by_value=True)
    ] = ""
    deprecatedLastTimestamp: Annotated[
        str, F(14, "The `lastTimestamp` of the core form.", format="date-time", by_value=True)
    ] = ""
    deprecatedCount: Annotated[int, F(15, "The `count` of the core form.", format="int32")] = 0


def to_core(event: Event) -> core.Event:
    """The same event in the core form."""
    series = event.series
    return core.Event(
        metadata=event.metadata,
        involvedObject=event.regarding,
        reason=event.reason,
        message=event.note,
        source=event.deprecatedSource,
        firstTimestamp=event.deprecatedFirstTimestamp,
        lastTimestamp=event.deprecatedLastTimestamp,
        count=event.deprecatedCount,
        type=event.type,
        eventTime=event.eventTime,
        series=core.EventSeries(series.count, series.lastObservedTime) if series else None,
        action=event.action,
        related=event.related,
        reportingComponent=event.reportingController,
        reportingInstance=event.reportingInstance,
    )


def from_core(event: core.Event) -> Event:
    """The same event in this form."""
    series = event.series
    return Event(
        metadata=event.metadata,
        eventTime=event.eventTime,
        series=EventSeries(series.count, series.lastObservedTime) if series else None,
        reportingController=event.reportingComponent,
        reportingInstance=event.reportingInstance,
        action=event.action,
        reason=event.reason,
        regarding=event.involvedObject,
        related=event.related,
        note=event.message,
        type=event.type,
        deprecatedSource=event.source,
        deprecatedFirstTimestamp=event.firstTimestamp,
        deprecatedLastTimestamp=event.lastTimestamp,
        deprecatedCount=event.count,
    )


class EventV1Resource(Resource[Event]):
    """The behaviour of Events in this form: the core rules, and stricter ones for new events."""

    def validate(self, obj: Event) -> list[FieldError]:
        errors = EVENTS.validate(to_core(obj))
        name, path = obj.metadata.name, Path("metadata") / "name"
        errors += [invalid_value(path, name, text) for text in dns_subdomain(name)]
        errors += _series_errors(obj.series)
        if not obj.eventTime:
            errors.append(required(Path("eventTime")))
        if obj.type not in _TYPES:
            errors.append(invalid_value(Path("type"), "", f"has invalid value: {obj.type}"))
        old_fields = (
            ("firstTimestamp", obj.deprecatedFirstTimestamp),
            ("lastTimestamp", obj.deprecatedLastTimestamp),
            ("count", obj.deprecatedCount),
            ("source", obj.deprecatedSource.component or obj.deprecatedSource.host),
        )
        return errors + [invalid_value(Path(n), "", _UNSET) for n, value in old_fields if value]

    def validate_update(self, new: Event, old: Event) -> list[FieldError]:
        errors = EVENTS.validate(to_core(new))
        if new.series != old.series:
            errors += _series_errors(new.series)
        after, before = to_core(new), to_core(old)
        for name in _FIXED:
            value = getattr(after, name)
            if value != getattr(before, name):
                shown = value if isinstance(value, (str, int)) else msgspec.to_builtins(value)
                errors.append(invalid_value(Path(name), shown, IMMUTABLE))
        return errors

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return EVENTS.validate_name(name, prefix=prefix)


_FIXED = (
    *("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count"),
    *("reportingComponent", "reportingInstance", "action", "related", "type", "eventTime"),
)
"""What an update in this form may not change, by its name in the core form."""


def _series_errors(series: EventSeries | None) -> list[FieldError]:
    if series is None:
        return []
    errors = []
    if series.count < 2:
        errors.append(invalid_value(Path("series.count"), "", "should be at least 2"))
    if not series.lastObservedTime:
        errors.append(required(Path("series.lastObservedTime")))
    return errors


def _column(column: Column[core.Event]) -> Column[Event]:
    return Column(
        column.name,
        lambda obj, now: column.cell(to_core(obj), now),
        type=column.type,
        format=column.format,
        description=column.description,
        priority=column.priority,
    )


def _regarding(name: str) -> Callable[[Event], str]:
    def value(event: Event) -> str:
        return str(getattr(event.regarding, name))

    return value


EVENTS_V1 = EventV1Resource(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    short_names=("ev",),
    type=Event,
    namespaced=True,
    dependents="ignore",
    columns=tuple(map(_column, EVENTS.columns)),
    field_selectors={
        **{f"regarding.{f.name}": _regarding(f.name) for f in fields(ObjectReference)},
        "reason": lambda event: event.reason,
        "reportingController": lambda event: event.reportingController,
        "type": lambda event: event.type,
    },
    storage_prefix="events",
    stored=StoredForm("v1", "Event", core.Event, to_core, from_core),
    create_on_update=True,
)
