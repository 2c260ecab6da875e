"""Events: the namespaces they may be in, the newer form, columns and selectors."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.event import EVENTS, Event
from tests.resources.making import NOW, made, texts

_POD = {"kind": "Pod", "namespace": "shop", "name": "web", "fieldPath": "spec.containers{main}"}


def _event(**fields: Any) -> Event:
    metadata = {"name": "web.1", "namespace": "shop"} | fields.pop("metadata", {})
    return made({"metadata": metadata, "involvedObject": _POD} | fields, Event)


@pytest.mark.parametrize(
    ("own", "about", "fine"),
    [
        ("shop", "shop", True),
        ("shop", "other", False),
        ("default", "", True),
        ("shop", "", False),
    ],
)
def test_an_event_is_in_the_namespace_of_its_object(own: str, about: str, fine: bool) -> None:
    event = _event(metadata={"namespace": own}, involvedObject={"namespace": about})
    expected = f'involvedObject.namespace: Invalid value: "{about}": does not match event.namespace'
    assert texts(EVENTS.validate(event)) == ([] if fine else [expected])


def test_an_event_of_the_newer_form_is_complete() -> None:
    event = _event(eventTime="2026-01-02T03:04:05.000000Z")
    assert texts(EVENTS.validate(event))[0] == "reportingController: Required value"
    assert texts(EVENTS.validate(event))[-3:] == [
        "reportingInstance: Required value",
        "action: Required value",
        "reason: Required value",
    ]
    event.reportingComponent = "strongroom.io/node"
    event.reportingInstance = event.action = event.reason = "x"
    assert EVENTS.validate(event) == []
    event.reason, event.message = "x" * 129, "x" * 1025
    assert texts(EVENTS.validate(event)) == [
        'reason: Invalid value: "": can have at most 128 characters',
        'message: Invalid value: "": can have at most 1024 characters',
    ]


def test_names_need_not_be_dns_names() -> None:
    assert EVENTS.validate_name("Odd_Name:1") == []
    assert EVENTS.validate_name("a/b") == ["may not contain '/'"]


def test_columns() -> None:
    event = _event(
        type="Warning",
        reason="FailedMount",
        message=" no\n",
        source={"component": "kubelet", "host": "node-1"},
        firstTimestamp="2026-01-02T03:02:05Z",
        lastTimestamp="2026-01-02T03:04:00Z",
        count=3,
    )
    assert [(column.name, column.priority) for column in EVENTS.columns] == [
        ("Last Seen", 0),
        ("Type", 0),
        ("Reason", 0),
        ("Object", 0),
        ("Subobject", 1),
        ("Source", 1),
        ("Message", 0),
        ("First Seen", 1),
        ("Count", 1),
        ("Name", 1),
    ]
    assert EVENTS.columns_of(event, NOW) == [
        "5s", "Warning", "FailedMount", "pod/web", "spec.containers{main}", "kubelet, node-1",
        "no", "2m", 3, "web.1",
    ]  # fmt: skip


def test_columns_of_the_newer_form() -> None:
    event = _event(
        eventTime="2026-01-02T03:03:05.000000Z",
        reportingComponent="c",
        series={"count": 7, "lastObservedTime": "2026-01-02T03:04:03.500000Z"},
    )
    row = EVENTS.columns_of(event, NOW)
    assert (row[0], row[5], row[7], row[8]) == ("1s", "c", "60s", 7)
    event.series = None
    assert EVENTS.columns_of(event, NOW)[0] == "60s"
    assert EVENTS.columns_of(event, NOW)[8] == 1


def test_selectors() -> None:
    event = _event(reason="R", type="Normal", reportingComponent="c")
    shown = {name: cell(event) for name, cell in EVENTS.field_selectors.items()}
    assert shown == {
        "involvedObject.kind": "Pod",
        "involvedObject.namespace": "shop",
        "involvedObject.name": "web",
        "involvedObject.uid": "",
        "involvedObject.apiVersion": "",
        "involvedObject.resourceVersion": "",
        "involvedObject.fieldPath": "spec.containers{main}",
        "reason": "R",
        "reportingComponent": "c",
        "source": "c",
        "type": "Normal",
    }
