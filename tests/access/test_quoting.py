"""What webhooks and policies say for the audit log holds no value of the object."""

import base64
from types import SimpleNamespace
from typing import Any, cast

import pytest

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.admission.quoting import annotate, unquoted, values_of
from strongroom.api.custom import custom_type
from strongroom.api.findings import REDACTED, Path
from strongroom.api.meta import ObjectMeta
from strongroom.api.structural.model import read_schema
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret
from strongroom.resources.strongroom_annotations import SENSITIVE_KEYS
from strongroom.resources.tokenreview import TokenReview, TokenReviewSpec

VALUE = b"correct horse"
ENCODED = base64.b64encode(VALUE).decode()


def request(obj: Any, old: Any = None) -> AdmissionRequest:
    return cast("AdmissionRequest", SimpleNamespace(obj=obj, old=old))


def test_nobody_says_what_the_server_says_itself() -> None:
    said: dict[str, str] = {}
    asked = cast("AdmissionRequest", SimpleNamespace(annotate=said.__setitem__))
    for author in ("secrets.strongroom.io", "chain.strongroom.io", "hook.example.com"):
        annotate(asked, author, "link", "x")
    assert said == {"hook.example.com/link": "x"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"it is {VALUE.decode()}!", f"it is {REDACTED}!"),
        (f"{ENCODED} and {VALUE.decode()}", f"{REDACTED} and {REDACTED}"),
        ("a correct answer", "a correct answer"),
        ("abc", "abc"),
        ("", ""),
    ],
)
def test_values_are_taken_out(text: str, told: str) -> None:
    secret = Secret(data={"a": VALUE, "short": b"abc", "binary": b"\xff\xfe\xfd\xfc"})
    assert unquoted(text, request(secret)) == told
    assert unquoted(text, request(None, secret)) == told
    assert unquoted(text, request(Secret(), None)) == text


def test_the_longer_value_goes_first() -> None:
    secret = Secret(data={"a": b"pass", "b": b"password1"})
    assert unquoted("password1 pass", request(secret)) == f"{REDACTED} {REDACTED}"


def test_only_marked_fields_have_values() -> None:
    data, binary = {"a": "text", "b": "other"}, {"c": VALUE}
    for listed, found in (
        ("a,c", {b"text", VALUE}),
        ("*", {b"text", b"other", VALUE}),
        ("", set()),
    ):
        meta = ObjectMeta(annotations={SENSITIVE_KEYS: listed})
        assert {*values_of(ConfigMap(metadata=meta, data=data, binaryData=binary))} == found
    assert {*values_of(TokenReview(spec=TokenReviewSpec(token="tok")))} == {b"tok"}
    assert not [*values_of(Pod()), *values_of(None)]


def test_values_of_custom_objects() -> None:
    pin = {"type": "string", "format": "password"}
    spec = {"type": "object", "properties": {"pins": {"type": "array", "items": pin}}}
    fields = {"spec": spec, "map": {"type": "object", "additionalProperties": pin}}
    schema, _ = read_schema({"type": "object", "properties": fields}, Path())
    kind = custom_type("a.b", "v1", "Safe", schema)
    content = {"spec": {"pins": ["one", {"x": "two"}], "odd": "no"}, "map": {"k": "three"}}
    assert {*values_of(kind(content=content))} == {b"one", b"two", b"three"}
    assert not [*values_of(custom_type("a.b", "v1", "Any", None)(content=content))]
