"""Paths through JSON, as printer columns use them."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api.jsonpath import JSONPath, JSONPathError, printed

TREE = {
    "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "web", "x": "1"}},
    "spec": {"replicas": 3, "ports": [{"port": 80, "name": "http"}, {"port": 443}], "on": True},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "It's [odd]", "status": "False"},
        ],
        "ratio": 1.5,
    },
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".metadata.name", ["a"]),
        ("$.metadata.name", ["a"]),
        ("metadata.name", ["a"]),
        (".", [TREE]),
        ("", [TREE]),
        (".spec.replicas", [3]),
        (".spec.missing.deeper", []),
        (".metadata.name.deeper", []),
        (".spec.ports[0].port", [80]),
        (".spec.ports[-1].port", [443]),
        (".spec.ports[7].port", []),
        (".spec.ports[*].port", [80, 443]),
        (".spec.ports[0:1].port", [80]),
        (".spec.ports[0,1].port", [80, 443]),
        (".spec.ports[:].port", [80, 443]),
        (".metadata.labels['app.kubernetes.io/name']", ["web"]),
        ('.metadata.labels["x"]', ["1"]),
        (r".metadata.labels.app\.kubernetes\.io/name", ["web"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Ready')].status", ["True"]),
        (".status.conditions[?(@.type == 'Nothing')].status", []),
        (r".status.conditions[?(@.type=='It\'s [odd]')].status", ["False"]),
        (".spec.ports[?(@.port>100)].port", [443]),
        (".spec.ports[?(@.port>=80)].port", [80, 443]),
        (".spec.ports[?(@.port!=80)].port", [443]),
        (".spec.ports[?(@.name)].port", [80]),
        (".spec.ports[?(@.name<5)].port", []),
        ("..port", [80, 443]),
        (".spec..name", ["http"]),
        (".metadata.labels.*", ["web", "1"]),
    ],
)
def test_paths_lead_to_values(path: str, expected: list[Any]) -> None:
    assert JSONPath(path).find(TREE) == expected


@pytest.mark.parametrize(
    "path",
    [
        ".spec.ports[",
        ".spec.ports[x]",
        ".a[?(b==1)]",
        ".a[::0]",
        ".a[-]",
        ".a[1:-]",
        ".a[::-]",
        ".a b c",
        "." * 5000,
        ".a" + "[?(@.b" * 100 + ")]" * 100,
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(JSONPathError):
        JSONPath(path)


@pytest.mark.parametrize("path", ["..[?(@..[?(@..[?(@..x)])])]", "..*" * 1000, "..[?(1==2)]" * 99])
def test_a_search_without_end_finds_nothing(path: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep, "b": 1}
    # Each would take hours; that this returns at all is what is tested.
    assert JSONPath(path).find(deep) == []
    assert JSONPath("." + "a." * 300 + "b").find({"a": deep}) == [1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b", "a b"),
        (3, "3"),
        (3.0, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "<nil>"),
        ({"b": 1, "a": [1, "x"]}, '{"a":[1,"x"],"b":1}'),
    ],
)
def test_values_are_printed_as_text(value: Any, expected: str) -> None:
    assert printed(value) == expected
