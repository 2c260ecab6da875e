"""Quotas, limits, classes, drivers and APIServices: their defaults and findings."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.apiservice import API_SERVICES
from strongroom.resources.csidriver import CSI_DRIVERS
from strongroom.resources.event import EVENTS
from strongroom.resources.event_v1 import EVENTS_V1, Event, from_core, to_core
from strongroom.resources.limitrange import LIMIT_RANGES, LimitRange
from strongroom.resources.priorityclass import PRIORITY_CLASSES, SYSTEM_CLASSES
from strongroom.resources.resource import Resource
from strongroom.resources.resourcequota import RESOURCE_QUOTAS
from strongroom.resources.runtimeclass import RUNTIME_CLASSES
from tests.resources.making import NOW, made, texts


def _made(resource: Resource[Any], tree: dict[str, Any]) -> Any:
    obj = made({"metadata": {"name": "x", "namespace": "shop"}} | tree, resource.type)
    resource.default(obj)
    resource.prepare_for_create(obj, NOW)
    return obj


def _limits(**item: Any) -> dict[str, Any]:
    return {"spec": {"limits": [{"type": "Container"} | item]}}


_API = {"group": "a.b", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}


@pytest.mark.parametrize(
    ("resource", "tree", "finding"),
    [
        (
            RESOURCE_QUOTAS,
            {"spec": {"hard": {"odd": "1"}}},
            'spec.hard[odd]: Invalid value: "odd": must be a standard resource for quota',
        ),
        (
            RESOURCE_QUOTAS,
            {"spec": {"hard": {"secrets": "-1"}}},
            'spec.hard[secrets]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            RESOURCE_QUOTAS,
            {"spec": {"scopes": ["BestEffort", "NotBestEffort"]}},
            'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
        ),
        (
            RESOURCE_QUOTAS,
            {"spec": {"hard": {"secrets": "1"}, "scopes": ["Terminating"]}},
            'spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource',
        ),
        (
            LIMIT_RANGES,
            _limits(min={"cpu": "2"}, max={"cpu": "1"}),
            'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        ),
        (
            LIMIT_RANGES,
            _limits(min={"cpu": "1"}, max={"cpu": "2"}, maxLimitRequestRatio={"cpu": "4"}),
            (
                'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "4": '
                "ratio 4 is greater than max/min = 2.000000"
            ),
        ),
        (
            LIMIT_RANGES,
            _limits(type="Pod", default={"cpu": "1"}),
            "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            PRIORITY_CLASSES,
            {"value": 1_000_000_001},
            "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
        ),
        (
            PRIORITY_CLASSES,
            {"metadata": {"name": "system-mine"}},
            (
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved "
                "for system use only. error: system-mine is not a known system priority class"
            ),
        ),
        (
            RUNTIME_CLASSES,
            {"handler": "a.b"},
            'handler: Invalid value: "a.b": must not contain dots',
        ),
        (
            CSI_DRIVERS,
            {"spec": {"tokenRequests": [{"audience": "a", "expirationSeconds": 1}]}},
            (
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 1: "
                "may not specify a duration less than 10 minutes"
            ),
        ),
        (
            API_SERVICES,
            {"metadata": {"name": "v1.a.b"}, "spec": _API | {"service": {"name": "s"}}},
            (
                "spec.service: Forbidden: strongroom serves all of its APIs itself and does not "
                "pass requests on to other servers: aggregation is not offered"
            ),
        ),
        (
            API_SERVICES,
            {"spec": _API},
            'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b"',
        ),
        (
            EVENTS_V1,
            {"reportingController": "a/b", "type": "Normal"},
            "eventTime: Required value",
        ),
    ],
)
def test_a_finding(resource: Resource[Any], tree: dict[str, Any], finding: str) -> None:
    assert finding in texts(resource.validate(_made(resource, tree)))


def test_limits_of_containers_fill_in_each_other() -> None:
    limits = _made(LIMIT_RANGES, _limits(max={"cpu": "2"}, min={"memory": "1024Ki"}))
    assert isinstance(limits, LimitRange)
    item = limits.spec.limits[0]
    assert item.default == {"cpu": "2"}
    assert item.defaultRequest == {"cpu": "2", "memory": "1Mi"}
    assert LIMIT_RANGES.validate(limits) == []


def test_the_system_s_priority_classes_are_valid() -> None:
    for known in SYSTEM_CLASSES:
        assert PRIORITY_CLASSES.validate(known) == []


def test_a_local_api_service_is_available_at_once() -> None:
    obj = _made(API_SERVICES, {"metadata": {"name": "v1.a.b"}, "spec": _API})
    assert API_SERVICES.validate(obj) == []
    assert API_SERVICES.columns_of(obj, NOW)[1:3] == ["Local", "True"]


def test_the_two_forms_of_an_event_tell_the_same() -> None:
    tree = {
        "metadata": {"name": "e", "namespace": "shop"},
        "eventTime": "2026-01-02T03:04:05.000006Z",
        "series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:06.000000Z"},
        "reportingController": "a.b/c",
        "reportingInstance": "i",
        "action": "Do",
        "reason": "Why",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "shop"},
        "note": "Well.",
        "type": "Normal",
    }
    event = _made(EVENTS_V1, tree)
    assert EVENTS_V1.validate(event) == []
    assert from_core(to_core(event)) == event
    assert EVENTS_V1.columns_of(event, NOW) == EVENTS.columns_of(to_core(event), NOW)
    assert EVENTS_V1.field_selectors["regarding.name"](event) == "p"
    assert EVENTS_V1.prefix() == EVENTS.prefix()
    changed = made(tree | {"note": "Other."}, Event)
    assert texts(EVENTS_V1.validate_update(changed, event)) == [
        'message: Invalid value: "Other.": field is immutable'
    ]
