"""Which form an answer takes."""

import pytest

from strongroom.api.errors import StatusError
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.server.negotiation import (
    JSON,
    LIST_SHAPES,
    NO_SHAPES,
    YAML,
    Form,
    accepted_form,
    body_media_type,
    check_stream,
)

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form()),
        ("*/*", Form()),
        ("application/*", Form()),
        ("application/yaml", Form(YAML)),
        ("application/json;q=0.5, application/yaml", Form(YAML)),
        ("application/yaml;q=0.1,application/json;q=0.2", Form(JSON)),
        ("image/png, */*;q=0.1", Form()),
        ("application/vnd.kubernetes.protobuf,application/json", Form(PROTOBUF)),
        ("application/json,application/vnd.kubernetes.protobuf", Form()),
        (f"{PROTOBUF};q=0.5,application/json;q=0.4", Form(PROTOBUF)),
        (f"{PROTOBUF};stream=watch", Form(PROTOBUF)),
        (f"{TABLE.replace('json', 'vnd.kubernetes.protobuf')},application/json", Form()),
        (
            f"{PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            Form(PROTOBUF, "PartialObjectMetadataList"),
        ),
        # As upstream sorts: a weight of nothing is only the last choice, wildcards come later.
        ("application/json;q=0", Form()),
        ("application/json;q=x", Form()),
        ("application/json;q=0,application/yaml;q=0.1", Form(YAML)),
        ("*/*,application/yaml;q=0.1", Form(YAML)),
        ("*", Form()),
        (TABLE, Form(JSON, "Table")),
        (f"{TABLE.replace('v1;', 'v1beta1;')},application/json", Form(JSON, "Table", "v1beta1")),
        (f"application/json;as=Bogus;v=v1;g=meta.k8s.io,{TABLE}", Form(JSON, "Table")),
        ("application/json;stream=watch", Form()),
        ("APPLICATION/JSON", Form()),
    ],
)
def test_accepted(accept: str, form: Form) -> None:
    assert accepted_form(accept, LIST_SHAPES) == form


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        ",",
        "application/json;stream=other",
        "application/yaml;stream=watch",
        "application/json;v=v1",
        "application/json;sv=v2",
        "json",
        f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io",
        TABLE + "x",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    ],
)
def test_refused(accept: str) -> None:
    with pytest.raises(StatusError) as raised:
        accepted_form(accept, LIST_SHAPES)
    assert raised.value.code == 406


def test_a_shape_that_is_not_offered_falls_back() -> None:
    assert accepted_form(f"{TABLE},application/json", NO_SHAPES) == Form()


def test_a_kind_without_messages_has_its_metadata_in_protobuf() -> None:
    assert accepted_form(f"{PROTOBUF},application/json", LIST_SHAPES, protobuf=False) == Form()
    metadata = f"{PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    form = Form(PROTOBUF, "PartialObjectMetadataList")
    assert accepted_form(metadata, LIST_SHAPES, protobuf=False) == form
    with pytest.raises(StatusError) as raised:
        accepted_form(PROTOBUF, LIST_SHAPES, protobuf=False)
    assert raised.value.message == (
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )


def test_yaml_is_no_stream() -> None:
    check_stream(Form(PROTOBUF))
    with pytest.raises(StatusError) as raised:
        check_stream(Form(YAML))
    assert raised.value.message == (
        "only the following media types are accepted: application/json;stream=watch, "
        "application/vnd.kubernetes.protobuf;stream=watch"
    )


def test_many_clauses_are_sorted_by_weight() -> None:
    accept = ",".join(f"text/x;q=0.{n}" for n in range(1, 40)) + ",application/yaml;q=0.1,*/*;q=0.2"
    assert accepted_form(accept, NO_SHAPES) == Form()


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [("", JSON), ("application/json; charset=utf-8", JSON), ("Application/YAML", YAML)],
)
def test_body_media_types(content_type: str, media_type: str) -> None:
    assert body_media_type(content_type) == media_type


def test_a_body_of_an_unknown_type() -> None:
    with pytest.raises(StatusError) as raised:
        body_media_type("text/plain")
    assert raised.value.code == 415
    assert "application/json" in raised.value.message


def test_an_accept_header_has_a_length_that_can_be_read_in_no_time() -> None:
    accept = "text/x," * 200 + "application/json"
    assert accepted_form(accept, frozenset()).media_type == "application/json"
    with pytest.raises(StatusError) as caught:
        accepted_form("text/x," * 300 + "application/json", frozenset())
    assert caught.value.code == 406
