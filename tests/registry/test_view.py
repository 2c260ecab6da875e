"""Views: one form on the wire, whatever was stored; nothing shown in their repr."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.schema import F
from strongroom.registry.view import Form, Undecodable
from strongroom.resources.event import EVENTS, Event
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Resource, StoredForm
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


# --- kinds that are stored in another form ------------------------------------------------------


class Note(Object):
    """Served: an Event's text under another name."""

    note: Annotated[str, F(2, "Text.")] = ""


def _to_event(note: Note) -> Event:
    return Event(metadata=note.metadata, message=note.note)


def _from_event(event: Event) -> Note:
    if event.message == "canary":
        raise ValueError("it has a text that no note may have")
    return Note(metadata=event.metadata, note=event.message)


NOTES: Resource[Note] = Resource(
    group="notes.example.com",
    version="v2",
    kind="Note",
    plural="notes",
    type=Note,
    namespaced=True,
    storage_prefix="events",
    stored=StoredForm("v1", "Event", Event, _to_event, _from_event),
)
NOTE_FORM = Form(NOTES)
NOTE_KEY = "/registry/events/prod/a"


def test_a_kind_can_be_stored_in_another_form() -> None:
    note = Note(metadata=ObjectMeta(name="a", namespace="prod", resourceVersion="4"), note="hello")
    value = NOTE_FORM.encode(note)
    assert Form(EVENTS).view(NOTE_KEY, value, 5).obj.message == "hello"
    assert json.loads(value)["metadata"] == {"name": "a", "namespace": "prod"}
    assert note.metadata.resourceVersion == "4"
    view = NOTE_FORM.view(NOTE_KEY, value, 5)
    assert view.obj.note == "hello"
    assert json.loads(view.wire) == {
        "kind": "Note",
        "apiVersion": "notes.example.com/v2",
        "metadata": {"name": "a", "namespace": "prod", "resourceVersion": "5"},
        "note": "hello",
    }
    assert view.stored == value
    assert not view.stale
    assert view.at(7).stored == value


def test_a_value_in_an_older_stored_form_is_read_and_to_be_replaced() -> None:
    value = NOTE_FORM.encode(Note(metadata=ObjectMeta(name="a"), note="hello"))
    old = value.replace(b'"apiVersion":"v1"', b'"apiVersion":"v0"')
    view = NOTE_FORM.view(NOTE_KEY, old, 5)
    assert view.obj.note == "hello"
    assert view.stale
    assert view.at(6).stale
    assert view.stored == b""


def test_a_stored_form_that_cannot_be_served_is_undecodable() -> None:
    value = Form(EVENTS).encode(Event(metadata=ObjectMeta(name="a"), message="canary"))
    with pytest.raises(Undecodable, match="not a stored Note: it has a text") as caught:
        NOTE_FORM.view(NOTE_KEY, value, 5)
    assert "canary" not in str(caught.value)
