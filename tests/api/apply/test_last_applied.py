"""Tests of strongroom.api.apply.last_applied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.api.apply.last_applied import ANNOTATION, brought_up_to_date, untouched
from strongroom.api.apply.shape import shape_of
from strongroom.resources.configmap import ConfigMap

_SHAPE = shape_of(ConfigMap)
_LAST = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "1"}}


def _live(text: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION: text}}, "data": data}


def test_fields_that_are_as_they_were_applied_count_as_the_managers_own() -> None:
    live = {**_live(json.dumps(_LAST), a="1", b="2"), "apiVersion": "v1", "kind": "ConfigMap"}
    assert untouched(live, _SHAPE, "v1")["f:data"] == {"f:a": {}}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", json.dumps({**_LAST, "apiVersion": "v2"}), json.dumps({**_LAST, "foo": 1})],
)
def test_an_annotation_that_does_not_fit_allows_nothing(text: str) -> None:
    assert untouched(_live(text, a="1", b="1"), _SHAPE, "v1") == {}


def test_no_annotation_allows_nothing() -> None:
    assert untouched({"metadata": {}}, _SHAPE, "v1") == {}


def test_the_annotation_follows_the_configuration() -> None:
    config = {**_LAST, "metadata": {"name": "x", "annotations": {ANNOTATION: "old", "k": "v"}}}
    tree = brought_up_to_date(_live("old", a="1"), config)
    text = tree["metadata"]["annotations"][ANNOTATION]
    assert text.endswith("\n")
    assert json.loads(text) == {**_LAST, "metadata": {"name": "x", "annotations": {"k": "v"}}}


def test_an_object_without_the_annotation_gets_none() -> None:
    tree = {"metadata": {"annotations": {"k": "v"}}}
    assert brought_up_to_date(tree, _LAST) is tree


def test_an_annotation_that_would_be_too_large_is_dropped() -> None:
    tree = brought_up_to_date(_live("old"), {**_LAST, "data": {"a": "x" * 256 * 1024}})
    assert tree["metadata"]["annotations"] == {}
