"""Tests of strongroom.api.apply.configuration."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.apply.configuration import problems
from strongroom.api.apply.shape import shape_of
from strongroom.resources.pod import Pod

_POD = shape_of(Pod)


def _container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", **fields}]}}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"metadata": {"name": "x"}, "spec": {"hostname": None}}, ""),
        (_container(livenessProbe={"httpGet": {"port": "http"}}), ""),
        (_container(resources={"limits": {"cpu": 1}}), ""),
        ({"foo": 1}, ".foo: field not declared in schema"),
        ({"spec": {"foo": 1}}, ".spec.foo: field not declared in schema"),
        (_container(foo=1), '.spec.containers[name="a"].foo: field not declared in schema'),
        (
            {"spec": {"affinity": {"podAffinity": {"foo": 1}}}},
            ".spec.affinity.podAffinity.foo: field not declared in schema",
        ),
        (
            _container(env=[{"valueFrom": {"secretKeyRef": {"foo": 1}}}]),
            '.spec.containers[name="a"].env[name=""].valueFrom.secretKeyRef.foo: field not',
        ),
        ({"spec": {"hostname": 1}}, ".spec.hostname: expected string, got number"),
        ({"spec": {"hostNetwork": "x"}}, ".spec.hostNetwork: expected boolean, got string"),
        ({"spec": {"priority": True}}, ".spec.priority: expected numeric (int or float), got bool"),
        ({"spec": []}, ".spec: expected map, got list"),
        ({"spec": {"containers": {}}}, ".spec.containers: expected list, got map"),
        (_container(command=[1]), '.spec.containers[name="a"].command[0]: expected string'),
        (
            {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}},
            '.spec.containers: duplicate entries for key [name="a"]',
        ),
        (
            {"spec": {"containers": ["a"]}},
            ".spec.containers: element 0: associative list with keys may not have non-map",
        ),
    ],
)
def test_problems(config: dict[str, Any], problem: str) -> None:
    found = problems(config, _POD)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_value_of_another_kind_than_an_object() -> None:
    assert problems([], _POD) == "expected map"


def test_several_problems_are_told_together() -> None:
    config = {"metadata": {"name": 1}, "spec": {"hostname": 1}}
    assert problems(config, _POD) == (
        "errors:\n  .metadata.name: expected string, got number\n"
        "  .spec.hostname: expected string, got number"
    )


def test_no_problem_tells_a_value() -> None:
    assert "secret" not in problems({"spec": {"hostNetwork": "secret"}}, _POD)
