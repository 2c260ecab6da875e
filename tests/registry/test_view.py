"""Views: one form on the wire, whatever was stored; nothing shown in their repr."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.meta import ObjectMeta
from strongroom.registry.view import Form, Undecodable
from strongroom.resources.event import EVENTS, Event
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.secret import SECRETS, Secret

FORM = Form(SECRETS)
KEY = "/registry/secrets/prod/a"


def stored(obj: Secret | None = None) -> bytes:
    return FORM.encode(obj or Secret(metadata=ObjectMeta(name="a", namespace="prod")))


def test_names_come_from_the_key() -> None:
    view = FORM.view(KEY, stored(), 5)
    assert (view.namespace, view.name, view.revision) == ("prod", "a", 5)


@given(
    data=st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), st.binary(max_size=20)),
    labels=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    revision=st.integers(1, 2**63),
)
def test_the_wire_form_is_the_stored_one_with_the_revision(
    data: dict[str, bytes], labels: dict[str, str], revision: int
) -> None:
    obj = Secret(metadata=ObjectMeta(name="a", namespace="prod", labels=labels), data=data)
    value = stored(obj)
    view = FORM.view(KEY, value, revision)
    wire = json.loads(view.wire)
    assert wire["metadata"].pop("resourceVersion") == str(revision)
    assert wire == json.loads(value)
    assert view.stored == value
    assert view.labels == labels
    assert view.obj.data == data
    assert view.at(revision + 1).obj.metadata.resourceVersion == str(revision + 1)
    assert view.at(0).wire == value


def test_a_resource_version_elsewhere_in_the_object_stays() -> None:
    form = Form(EVENTS)
    event = Event(
        metadata=ObjectMeta(name="e", namespace="prod", resourceVersion="1"),
        involvedObject=ObjectReference(kind="Pod", name="p", resourceVersion="77"),
    )
    view = form.view("/registry/events/prod/e", form.encode(event), 9)
    assert view.obj.metadata.resourceVersion == "9"
    assert view.obj.involvedObject.resourceVersion == "77"
    assert event.metadata.resourceVersion == "1"


def test_a_stored_resource_version_is_not_believed() -> None:
    value = stored().replace(b'"name":"a"', b'"name":"a","resourceVersion":"3"')
    view = FORM.view(KEY, value, 9)
    assert view.obj.metadata.resourceVersion == "9"
    assert view.wire.count(b"resourceVersion") == 1


@pytest.mark.parametrize("value", [b"", b"canary", b'{"kind":"Secret","data":{"k":"canary!"}}\n'])
def test_what_is_no_object_is_told_without_its_content(value: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        FORM.view(KEY, value, 1)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_broken_value_in_our_own_form_is_found_when_it_is_read() -> None:
    view = FORM.view(KEY, stored()[:-3] + b"canary", 1)
    with pytest.raises(Undecodable) as caught:
        view.decode()
    assert "canary" not in str(caught.value)


def test_the_repr_shows_no_content() -> None:
    view = FORM.view(KEY, stored(Secret(metadata=ObjectMeta(name="a"), data={"k": b"canary"})), 5)
    assert repr(view) == "<View secrets prod/a at 5>"


def test_decoded_objects_belong_to_the_caller() -> None:
    view = FORM.view(KEY, stored(), 5)
    mine = view.decode()
    mine.data["x"] = b"y"
    assert view.obj.data == {}
    assert view.obj is view.obj
    assert view.peek() is view.obj
