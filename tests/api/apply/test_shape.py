"""Tests of strongroom.api.apply.shape, held against the schemas that Kubernetes publishes."""

from __future__ import annotations

import pytest

from strongroom.api.apply.fieldset import FieldsError
from strongroom.api.apply.shape import Form, Shape, fields_of, shape_of
from strongroom.api.schema import Struct
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container
from strongroom.resources.secret import Secret
from strongroom.resources.serviceaccount import ServiceAccount
from tests.resources.test_declarations import published_schema, upstream_structs


@pytest.mark.parametrize("struct", upstream_structs(), ids=lambda struct: struct.__name__)
def test_what_is_owned_whole_is_what_upstream_says(struct: type[Struct]) -> None:
    whole = published_schema(struct).get("x-kubernetes-map-type") == "atomic"
    assert (shape_of(struct).form is Form.LEAF) == whole


def _field(struct: type[Struct], name: str) -> Shape:
    return fields_of(struct)[name]


def test_forms() -> None:
    assert _field(Secret, "data").form is Form.MAP
    assert _field(Secret, "type").form is Form.LEAF
    assert _field(Pod, "spec").form is Form.RECORD
    assert _field(Container, "command").form is Form.LEAF
    assert _field(Container, "env").form is Form.LIST_MAP
    spec = _field(Pod, "spec")
    selector = spec.field("nodeSelector")
    assert selector is not None
    assert selector.form is Form.LEAF


def test_a_port_without_protocol_is_a_tcp_port() -> None:
    ports = _field(Container, "ports")
    assert ports.element({"containerPort": 80}) == ports.element(
        {"containerPort": 80, "protocol": "TCP"}
    )
    assert ports.element({"containerPort": 80}) == 'k:{"containerPort":80,"protocol":"TCP"}'


def test_a_key_that_must_be_there_is_zero_where_it_is_not() -> None:
    assert _field(Container, "env").element({}) == 'k:{"name":""}'


def test_an_item_without_any_key_has_no_place() -> None:
    with pytest.raises(FieldsError, match=r'omits all key fields \["name"\]'):
        _field(ServiceAccount, "secrets").element({})
    with pytest.raises(FieldsError, match="non-map"):
        _field(Container, "env").element("x")
    finalizers = _field(Pod, "metadata").field("finalizers")
    assert finalizers is not None
    with pytest.raises(FieldsError, match="a map type"):
        finalizers.element({})


def test_only_maps_and_lists_have_items() -> None:
    with pytest.raises(TypeError):
        _ = _field(Secret, "type").item
