"""Bodies that no client should send: the right Status, never a 500, never a value told."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.marked import (
    JSON,
    JSON_PATCH,
    MARK,
    MERGE,
    PROTOBUF,
    STRATEGIC,
    YAML,
    refused,
    secret,
)
from tests.e2e.wire import Answer, Wire

pytestmark = pytest.mark.usefixtures("still_serving")

BOMB = [("a", ",".join("x" * 9)), *((b, ",".join([f"*{a}"] * 9)) for a, b in pairwise("abcdefgh"))]
"""Lists of nine times the list before: half a kilobyte that unfolds to gigabytes."""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"' + MARK.encode() + b'"',
        b'{"stringData":{"a":"' + MARK.encode(),
        b'{"kind":"Secret","stringData":{"a":"' + MARK.encode() + b'"}} trailing',
        b'{"stringData":{"a":"' + MARK.encode() + b'\n"}}',
        b'{"stringData":{"a":"\\u12' + MARK.encode() + b'"}}',
        b'{"stringData":{"a":' + MARK.encode() + b"}}",
        b'{"data":{"a":"not base64 ' + MARK.encode() + b'"}}',
        b'{"data":{"a":5}}',
        b'{"data":["' + MARK.encode() + b'"]}',
        b'{"stringData":{"a":{"b":"' + MARK.encode() + b'"}}}',
        b'{"metadata":"' + MARK.encode() + b'"}',
        b'{"metadata":{"labels":[]}}',
        b'{"metadata":{"creationTimestamp":"' + MARK.encode() + b'"}}',
        b'{"immutable":"' + MARK.encode() + b'"}',
        b"\xef\xbb\xbf{}",
        b'{"stringData":{"a":"\xff' + MARK.encode() + b'"}}',
        "{}".encode("utf-16"),
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"stringData":{"a":1e999}}',
    ],
    ids=range(25),
)
def test_malformed_json(wire: Wire, home: str, body: bytes) -> None:
    refused(wire.send("POST", home, body), 400, "BadRequest")
    refused(wire.send("PUT", home + "/s", body), 400, "BadRequest")


@pytest.mark.parametrize(
    "body",
    [
        b"a: [",
        b"\tkind: Secret",
        b"kind: Secret\nkind: Secret\nstringData: {a: " + MARK.encode() + b"}: x",
        b"stringData: {a: *" + MARK.encode() + b"}",
        b"stringData: !!python/object/apply:os.system ['" + MARK.encode() + b"']",
        b"- " + MARK.encode(),
        MARK.encode(),
        b"data: {a: '" + MARK.encode() + b" is not base64'}",
        b"stringData: {a: \xff}",
        "\n".join(f"{a}: &{a} [{b}]" for a, b in BOMB).encode(),
        b"[" * 50_000,
    ],
    ids=range(11),
)
def test_malformed_yaml(wire: Wire, home: str, body: bytes) -> None:
    answer = wire.send("POST", home, body, {"Content-Type": YAML})
    refused(answer, 400, "BadRequest")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"k8s\x00",
        b"k8s\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"k8s\x00\x0a\x7f" + MARK.encode(),
        b"k8s\x00\x12\x04\x0a\x02\x0a\xff",
        b"k8s\x00\x12\x02\x08\x01",
        b"k8s\x00\x12\x05\x0a\x03\x0a\x01\xff",
    ],
    ids=range(8),
)
def test_malformed_protobuf(wire: Wire, home: str, body: bytes) -> None:
    answer = wire.send("POST", home, body, {"Content-Type": PROTOBUF})
    assert answer.status in (400, 422)
    refused(answer, answer.status, {400: "BadRequest", 422: "Invalid"}[answer.status])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "ConfigMap"}, "ConfigMap in version"),
        ({"kind": "Nothing"}, "Nothing"),
        ({"apiVersion": "v2"}, "does not match the expected API version"),
        ({"apiVersion": "apps/v1"}, "does not match the expected API version"),
        ({"metadata": {"name": "n", "namespace": "other"}}, "namespace of the provided object"),
        ({"metadata": {"name": "n", "resourceVersion": "1"}}, "resourceVersion should not be set"),
    ],
)
def test_the_wrong_object(wire: Wire, home: str, fields: dict[str, Any], message: str) -> None:
    assert message in refused(wire.send("POST", home, secret(**fields)), 400, "BadRequest")


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "Upper"},
        {"name": "../s"},
        {"name": "a/b"},
        {"name": "a" * 254},
        {"name": "-"},
        {"name": "ü"},
        {"name": "n", "labels": {"a b": "c"}},
        {"name": "n", "annotations": {"/": "c"}},
        {"name": "n", "annotations": {"a": "x" * 262_145}},
        {"name": "n", "finalizers": ["x"]},
        {"name": "n", "ownerReferences": [{}]},
        {"generateName": "Upper-"},
    ],
    ids=range(12),
)
def test_invalid_metadata(wire: Wire, home: str, metadata: dict[str, Any]) -> None:
    refused(wire.send("POST", home, secret(metadata=metadata)), 422, "Invalid")


def test_more_data_than_a_secret_holds(wire: Wire, home: str) -> None:
    at_the_limit = {"a": MARK + "x" * (1_048_576 - len(MARK))}
    refused(wire.send("POST", home, secret(stringData={**at_the_limit, "b": "x"})), 422, "Invalid")
    assert wire.send("POST", home, secret(stringData=at_the_limit)).status == 201


def test_a_body_over_the_limit(wire: Wire, home: str) -> None:
    message = refused(
        wire.send("POST", home, secret(stringData={"a": MARK + "x" * 3_200_000})),
        413,
        "RequestEntityTooLarge",
    )
    assert message == "Request entity too large: limit is 3145728"


def test_a_body_that_grows_over_the_limit_when_unpacked(wire: Wire, home: str) -> None:
    packed = gzip.compress(json.dumps(secret(stringData={"a": MARK + "x" * 50_000_000})).encode())
    answer = wire.send("POST", home, packed, {"Content-Encoding": "gzip"})
    refused(answer, 413, "RequestEntityTooLarge")


def test_a_body_that_is_not_what_its_encoding_says(wire: Wire, home: str) -> None:
    answer = wire.send("POST", home, secret(), {"Content-Encoding": "gzip"})
    refused(answer, 400, "BadRequest")
    answer = wire.send("POST", home, secret(), {"Content-Encoding": "br"})
    refused(answer, 415, "UnsupportedMediaType")


def test_unknown_fields_by_each_mode(wire: Wire, home: str) -> None:
    def send(mode: str) -> Answer:
        query = "?dryRun=All&fieldValidation=" + mode
        return wire.send("POST", home + query, secret(unknown=MARK))

    message = refused(send("Strict"), 400, "BadRequest")
    assert message.endswith('strict decoding error: unknown field "unknown"')
    warned = send("Warn")
    assert warned.warnings == ['299 - "unknown field \\"unknown\\""']
    assert (warned.status, send("Ignore").warnings) == (201, [])
    refused(send(MARK[:5]), 422, "Invalid")


@pytest.mark.parametrize(
    ("method", "type_"),
    [
        ("POST", "text/plain"),
        ("POST", "application/xml"),
        ("POST", "application/x-www-form-urlencoded"),
        ("POST", "application/cbor"),
        ("PUT", MERGE),
        ("PATCH", JSON),
        ("PATCH", "application/nothing"),
    ],
)
def test_wrong_content_type(wire: Wire, home: str, method: str, type_: str) -> None:
    path = home if method == "POST" else home + "/s"
    answer = wire.send(method, path, secret(), {"Content-Type": type_})
    message = refused(answer, 415, "UnsupportedMediaType")
    assert message.startswith("the body of the request was in an unknown format - accepted media ")


@pytest.mark.parametrize(
    ("type_", "body", "code", "reason"),
    [
        (MERGE, b"{", 400, "BadRequest"),
        (MERGE, b"[]", 400, "BadRequest"),
        (MERGE, f'{{"data":{{"a":"{MARK} is not base64"}}}}'.encode(), 422, "Invalid"),
        (MERGE, b'{"data":{"a b":""}}', 422, "Invalid"),
        (MERGE, b'{"metadata":{"uid":"other"}}', 422, "Invalid"),
        (MERGE, b'{"metadata":{"resourceVersion":"1"}}', 409, "Conflict"),
        (STRATEGIC, f'{{"data":"{MARK}"}}'.encode(), 422, "Invalid"),
        (STRATEGIC, b'{"$patch":"nothing"}', 400, "BadRequest"),
        (JSON_PATCH, b"{}", 400, "BadRequest"),
        (JSON_PATCH, b'[{"op":"no"}]', 422, "Invalid"),
        (JSON_PATCH, b'[{"op":"remove","path":"/data/none"}]', 422, "Invalid"),
        (JSON_PATCH, b'[{"op":"add","path":"bad","value":1}]', 422, "Invalid"),
        (JSON_PATCH, b'[{"op":"replace","path":"","value":[]}]', 422, "Invalid"),
    ],
    ids=range(13),
)
def test_bad_patches(
    wire: Wire, home: str, type_: str, body: bytes, code: int, reason: str
) -> None:
    refused(wire.send("PATCH", home + "/s", body, {"Content-Type": type_}), code, reason)


def test_a_json_patch_of_too_many_steps(wire: Wire, home: str) -> None:
    steps = [{"op": "test", "path": "/kind", "value": "Secret"}] * 10_001
    answer = wire.send("PATCH", home + "/s", steps, {"Content-Type": JSON_PATCH})
    refused(answer, 413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "options",
    [
        {"propagationPolicy": MARK},
        {"propagationPolicy": "Orphan", "orphanDependents": True},
        {"dryRun": [MARK]},
    ],
    ids=range(3),
)
def test_bad_delete_options(wire: Wire, home: str, options: dict[str, Any]) -> None:
    told = options.get("propagationPolicy") == MARK or "dryRun" in options
    answer = wire.send("DELETE", home + "/s", options)
    # The options are no secret; upstream's message names what it does not support.
    assert answer.status == 422
    assert told or MARK.encode() not in answer.whole()


def test_unmet_preconditions(wire: Wire, home: str) -> None:
    for wanted in ({"uid": "other"}, {"resourceVersion": "1"}):
        message = refused(
            wire.send("DELETE", home + "/s", {"preconditions": wanted}), 409, "Conflict"
        )
        assert "in the precondition" in message or "precondition" in message
