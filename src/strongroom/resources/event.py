"""Event: short-lived reports of what happened to objects."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.table import human_age
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    invalid_value,
    path_segment,
    qualified_name,
    required,
)
from strongroom.resources.columns import NAME
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Column, Resource

_SHORT = 128
_LONG = 1024
_NO_MATCH = "does not match event.namespace"


class EventSeries(Struct):
    """How often an event has happened in a row."""

    count: Annotated[
        int, F(1, "Number of occurrences up to the last one seen.", format="int32")
    ] = 0
    lastObservedTime: Annotated[
        str,
        F(2, "When the last occurrence was seen.", format="date-time", by_value=True, micro=True),
    ] = ""


class EventSource(Struct):
    """Where an event comes from."""

    component: Annotated[str, F(1, "The component that reports.")] = ""
    host: Annotated[str, F(2, "The node on which it runs.")] = ""


class Event(Object):
    """A report that something happened to an object; kept for a short time only."""

    involvedObject: Annotated[
        ObjectReference, F(2, "The object that the event is about.", required=True)
    ] = msgspec.field(default_factory=ObjectReference)
    reason: Annotated[str, F(3, "Why it happened, short and machine-readable.")] = ""
    message: Annotated[str, F(4, "What happened, for people.")] = ""
    source: Annotated[EventSource, F(5, "The component that reported it.")] = msgspec.field(
        default_factory=EventSource
    )
    firstTimestamp: Annotated[
        str, F(6, "When it was first recorded.", format="date-time", by_value=True)
    ] = ""
    lastTimestamp: Annotated[
        str, F(7, "When it was last recorded.", format="date-time", by_value=True)
    ] = ""
    count: Annotated[int, F(8, "How often it has happened.", format="int32")] = 0
    type: Annotated[str, F(9, "Normal or Warning; others may come.")] = ""
    eventTime: Annotated[
        str, F(10, "When it was first seen.", format="date-time", by_value=True, micro=True)
    ] = ""
    series: Annotated[
        EventSeries | None, F(11, "The series that this event belongs to, if it goes on.")
    ] = None
    action: Annotated[str, F(12, "What was done, or failed, about the object.")] = ""
    related: Annotated[ObjectReference | None, F(13, "A second object that plays a part.")] = None
    reportingComponent: Annotated[
        str, F(14, "Name of the controller that reports, such as `kubernetes.io/kubelet`.")
    ] = always(str)
    reportingInstance: Annotated[str, F(15, "Which instance of the controller reports.")] = always(
        str
    )


class EventResource(Resource[Event]):
    """The behaviour of Events, which are written once and counted up."""

    def validate(self, obj: Event) -> list[FieldError]:
        errors = _new_style_errors(obj) if obj.eventTime else _old_style_errors(obj)
        namespace = obj.metadata.namespace
        errors += [invalid_value(Path("namespace"), namespace, m) for m in dns_subdomain(namespace)]
        return errors

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        # Old clients make names that are no DNS names; only what would break a path is refused.
        return path_segment(name, prefix=prefix)


def _old_style_errors(event: Event) -> list[FieldError]:
    about, own = event.involvedObject.namespace, event.metadata.namespace
    # Cluster-scoped objects have their events in the namespace default.
    if own == about or (not about and own == "default"):
        return []
    return [invalid_value(Path("involvedObject") / "namespace", about, _NO_MATCH)]


def _new_style_errors(event: Event) -> list[FieldError]:
    errors = []
    about = event.involvedObject.namespace
    if not about and event.metadata.namespace not in ("default", "kube-system"):
        errors.append(invalid_value(Path("involvedObject") / "namespace", about, _NO_MATCH))
    controller, path = event.reportingComponent, Path("reportingController")
    if not controller:
        errors.append(required(path))
    errors += [invalid_value(path, controller, message) for message in qualified_name(controller)]
    errors += _text_errors(event.reportingInstance, Path("reportingInstance"), _SHORT)
    errors += _text_errors(event.action, Path("action"), _SHORT)
    errors += _text_errors(event.reason, Path("reason"), _SHORT)
    if event.message:
        errors += _text_errors(event.message, Path("message"), _LONG)
    return errors


def _text_errors(text: str, path: Path, limit: int) -> list[FieldError]:
    if not text:
        return [required(path)]
    if len(text.encode()) > limit:
        return [invalid_value(path, "", f"can have at most {limit} characters")]
    return []


def _first_seen(event: Event, now: datetime) -> str:
    return human_age(event.firstTimestamp or event.eventTime, now)


def _last_seen(event: Event, now: datetime) -> str:
    if event.series:
        return human_age(event.series.lastObservedTime, now)
    return human_age(event.lastTimestamp, now) if event.lastTimestamp else _first_seen(event, now)


def _count(event: Event, now: datetime) -> int:
    # Events of the newer form that happened once carry no count at all.
    return event.series.count if event.series else event.count or 1


def _object(event: Event, now: datetime) -> str:
    kind, name = event.involvedObject.kind.lower(), event.involvedObject.name
    return f"{kind}/{name}" if name else kind


def _source(event: Event, now: datetime) -> str:
    component = event.source.component or event.reportingComponent
    host = event.source.host or event.reportingInstance
    return f"{component}, {host}" if host else component


EVENTS = EventResource(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    short_names=("ev",),
    type=Event,
    namespaced=True,
    dependents="ignore",
    columns=(
        Column("Last Seen", _last_seen, description="Time since it was last seen."),
        Column("Type", lambda event, now: event.type, description="Normal or Warning."),
        Column("Reason", lambda event, now: event.reason, description="Why it happened."),
        Column("Object", _object, description="The object that it is about."),
        Column(
            "Subobject",
            lambda event, now: event.involvedObject.fieldPath,
            description="The part of the object that it is about.",
            priority=1,
        ),
        Column("Source", _source, description="What reported it.", priority=1),
        Column("Message", lambda event, now: event.message.strip(), description="What happened."),
        Column("First Seen", _first_seen, description="Time since it was first seen.", priority=1),
        Column("Count", _count, description="How often it has happened.", priority=1),
        dataclasses.replace(NAME, priority=1),
    ),
    field_selectors={
        "involvedObject.kind": lambda event: event.involvedObject.kind,
        "involvedObject.namespace": lambda event: event.involvedObject.namespace,
        "involvedObject.name": lambda event: event.involvedObject.name,
        "involvedObject.uid": lambda event: event.involvedObject.uid,
        "involvedObject.apiVersion": lambda event: event.involvedObject.apiVersion,
        "involvedObject.resourceVersion": lambda event: event.involvedObject.resourceVersion,
        "involvedObject.fieldPath": lambda event: event.involvedObject.fieldPath,
        "reason": lambda event: event.reason,
        "reportingComponent": lambda event: event.reportingComponent,
        "source": lambda event: event.source.component or event.reportingComponent,
        "type": lambda event: event.type,
    },
    create_on_update=True,
)
