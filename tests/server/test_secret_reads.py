"""What is noted of watches: names that Secrets can have, and selectors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from strongroom.access.user import Attributes, User
from strongroom.api.audit import NAME, VALUES
from strongroom.api.errors import Status
from strongroom.server.negotiation import Form
from strongroom.server.secret_reads import SecretReads, chosen, tell_values
from strongroom.server.urls import Target, parse_target
from strongroom.server.verbs.verb import Done, Events, ManyObjects, OneObject

USER = User("ann")


def watched(path: str, query: str = "", shape: str = "") -> list[str]:
    """The names in what is noted of a watch."""
    target = parse_target("GET", path.encode(), f"watch=1&{query}".encode())
    attributes: Attributes = target.attributes(USER)
    call = SimpleNamespace(target=target, attributes=attributes, form=Form(shape=shape))
    reads = SecretReads()
    reads.saw(cast("Any", call), Events(cast("Any", None)))
    return [name for _, name, _ in reads.take()]


SECRETS = "/api/v1/namespaces/default/secrets"


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        (SECRETS, "", ":all"),
        (SECRETS, "fieldSelector=metadata.name%3Dx", "x"),
        ("/api/v1/watch/namespaces/default/secrets/x", "", "x"),
        (SECRETS, "labelSelector=a%3Db", "??a=b"),
        (SECRETS, "labelSelector=" + "a" * 300, ":all"),
    ],
)
def test_what_a_watch_is_for(path: str, query: str, name: str) -> None:
    assert watched(path, query) == [name]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        # These would pass for selectors, and not be read as any.
        ("/api/v1/watch/namespaces/default/secrets/%3F%3D%3F", ""),
        (SECRETS, "fieldSelector=metadata.name%3D%3Fx%3Fy"),
        (SECRETS, "fieldSelector=metadata.name%3D%3F%2F"),
        # And a hundred thousand of these would fill the memory.
        (f"/api/v1/watch/namespaces/default/secrets/{'x' * 5000}", ""),
        (SECRETS, "fieldSelector=metadata.name%3D" + "x" * 5000),
        (f"/api/v1/watch/namespaces/{'x' * 5000}/secrets", ""),
    ],
)
def test_what_no_secret_is_called_is_not_noted(path: str, query: str) -> None:
    assert watched(path, query) == []


def test_a_table_that_brings_its_objects_is_a_read() -> None:
    assert watched(SECRETS, shape="Table") == []
    assert watched(SECRETS, "includeObject=Metadata", shape="Table") == []
    assert watched(SECRETS, "includeObject=Object", shape="PartialObjectMetadata") == []
    assert watched(SECRETS, "includeObject=Object", shape="Table") == [":all"]


def test_selectors_are_told_from_names() -> None:
    assert chosen("x") is None
    assert chosen("?a=b?c") == ("a=b", "c")


NOTHING = cast("Any", None)
ONE = OneObject(cast("Any", SimpleNamespace(name="s")))
THREE = ManyObjects(cast("Any", SimpleNamespace(items=[1, 2, 3])))


@pytest.mark.parametrize(
    ("verb", "outcome", "shape", "told"),
    [
        ("get", ONE, "", {VALUES: "1"}),
        ("patch", ONE, "", {VALUES: "1"}),
        ("create", ONE, "", {VALUES: "1", NAME: "s"}),
        ("list", THREE, "", {VALUES: "3"}),
        ("watch", Events(NOTHING), "", {VALUES: "watch"}),
        ("delete", Done(Status()), "", {}),
        ("list", THREE, "Table", {}),
        ("list", THREE, "Table Metadata", {}),
        ("list", THREE, "Table None", {}),
        ("list", THREE, "Table Object", {VALUES: "3"}),
        ("watch", Events(NOTHING), "Table Object", {VALUES: "watch"}),
        ("get", ONE, "PartialObjectMetadata", {}),
    ],
)
def test_the_audit_log_is_told_of_how_many_secrets_values_were_sent(
    verb: str, outcome: Any, shape: str, told: dict[str, str]
) -> None:
    request = SimpleNamespace(annotations={})
    shape, _, include = shape.partition(" ")
    form = Form(shape=shape)
    target = Target(verb, "", {"includeObject": [include]} if include else {})
    call = SimpleNamespace(form=form, request=request, target=target)
    tell_values(cast("Any", call), outcome)
    assert request.annotations == told
