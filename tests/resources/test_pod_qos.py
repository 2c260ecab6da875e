"""The quality-of-service class of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod_qos import qos_class
from tests.resources.making import pod

_FULL = {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("resources", "others", "expected"),
    [
        ({}, [], "BestEffort"),
        ({"requests": {"ephemeral-storage": "1Gi"}}, [], "BestEffort"),
        ({"requests": {"cpu": "0"}}, [], "BestEffort"),
        (_FULL, [], "Guaranteed"),
        (_FULL, [_FULL], "Guaranteed"),
        (_FULL, [{}], "Burstable"),
        (_FULL | {"requests": {"cpu": "500m"}}, [], "Burstable"),
        ({"limits": {"cpu": "1"}}, [], "Burstable"),
        ({"requests": {"cpu": "1"}}, [], "Burstable"),
    ],
)
def test_class(resources: dict[str, Any], others: list[dict[str, Any]], expected: str) -> None:
    init = [{"name": f"i{n}", "image": "i", "resources": r} for n, r in enumerate(others)]
    assert qos_class(pod({"resources": resources}, initContainers=init).spec) == expected


def test_requirements_of_the_whole_pod_come_first() -> None:
    assert qos_class(pod(resources={"limits": {"cpu": "1"}}).spec) == "Burstable"
    both = {"cpu": "1", "memory": "1Gi"}
    assert qos_class(pod(resources={"limits": both, "requests": both}).spec) == "Guaranteed"
