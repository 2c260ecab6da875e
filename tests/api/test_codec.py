"""The codec: what is read, what is refused and in which words, and that no word is the client's."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api import codec, yaml_text
from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from tests.api.samples import Part, Spec, Thing


def decode(body: bytes | str, **options: Any) -> Thing:
    data = body.encode() if isinstance(body, str) else body
    return codec.decode(data, Thing, kind="Thing", **options).obj


def refusal(body: bytes | str, **options: Any) -> str:
    with pytest.raises(StatusError) as caught:
        decode(body, **options)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    return str(caught.value)


def test_a_plain_object() -> None:
    thing = decode('{"kind":"Thing","apiVersion":"v1","metadata":{"name":"a"},"data":{"k":"dg=="}}')
    assert (thing.kind, thing.metadata.name, thing.data) == ("Thing", "a", {"k": b"v"})


def test_encoding_is_compact_sorted_by_key_and_leaves_out_what_is_empty() -> None:
    thing = Thing(metadata=ObjectMeta(labels={"b": "2", "a": "1"}), data={"z": b"\xff", "a": b""})
    assert codec.encode(thing) == (
        b'{"metadata":{"labels":{"a":"1","b":"2"}},'
        b'"data":{"a":"","z":"/w=="},"spec":{"ready":false}}'
    )


def test_null_is_unset_in_objects_and_zero_in_maps_and_lists() -> None:
    thing = decode(
        '{"metadata":{"creationTimestamp":null,"labels":{"a":null}},"data":{"k":null},'
        '"spec":{"size":null,"parts":null,"words":[null],"rows":[null],"whole":null,'
        '"amounts":{"cpu":null}}}'
    )
    assert thing.metadata == ObjectMeta(labels={"a": ""})
    assert thing.data == {"k": b""}
    assert thing.spec == Spec(words=[""], rows=[Part()], amounts={"cpu": ""})


def test_base64_as_go_reads_it() -> None:
    assert decode('{"data":{"a":"YW\\r\\nJj\\n"}}').data == {"a": b"abc"}
    assert decode('{"data":{"a":"YR=="}}').data == {"a": b"a"}


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("YQ", 0),
        ("YQ=", 3),
        ("YWJjYQ", 4),
        ("Y!==", 1),
        ("=", 0),
        ("Y===", 1),
        ("YQ==YQ==", 4),
        ("YQ==\\nx", 5),
        ("YQ=a", 2),
        ("YWI=x", 4),
        ("YW\\nJj-", 5),
        ("_w==", 0),
        (" YQ==", 0),
        ("Y\u00fcQ=", 1),
    ],
)
def test_bad_base64_is_told_by_its_offset(text: str, offset: int) -> None:
    assert refusal(f'{{"data":{{"a":"{text}"}}}}') == (
        'Thing in version "v1" cannot be handled as a Thing: '
        f"illegal base64 data at input byte {offset}"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"data":"x"}', "string into Go struct field Thing.data of type map[string][]uint8"),
        ('{"data":{"a":1}}', "number into Go struct field Thing.data of type []uint8"),
        ('{"metadata":[]}', "array into Go struct field Thing.metadata of type v1.ObjectMeta"),
        (
            '{"metadata":{"labels":{"a":true}}}',
            "bool into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            '{"metadata":{"generation":"1"}}',
            "string into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            '{"metadata":{"generation":1.0}}',
            "number into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            '{"metadata":{"generation":9223372036854775808}}',
            "number into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            '{"spec":{"parts":[{"count":2147483648}]}}',
            "number into Go struct field Part.spec.parts.count of type int32",
        ),
        (
            '{"spec":{"parts":[{"port":2147483648}]}}',
            "number into Go struct field Part.spec.parts.port of type intstr.IntOrString",
        ),
        ('{"spec":{"parts":{}}}', "object into Go struct field Spec.spec.parts of type []v1.Part"),
        ('{"spec":{"ready":"yes"}}', "string into Go struct field Spec.spec.ready of type bool"),
        ('{"spec":{"ratio":"1"}}', "string into Go struct field Spec.spec.ratio of type float64"),
    ],
)
def test_wrong_types_are_told_as_go_does(body: str, reason: str) -> None:
    assert refusal(body) == (
        f'Thing in version "v1" cannot be handled as a Thing: json: cannot unmarshal {reason}'
    )


def test_the_bodys_own_kind_and_version_are_told_when_they_look_like_such() -> None:
    body = '{"kind":"Other","apiVersion":"apps/v1","data":1}'
    assert refusal(body).startswith('Other in version "v1" cannot be handled as a Thing: ')
    body = '{"kind":"s3cret s3cret","apiVersion":"s3cret!","data":1}'
    assert refusal(body, version="g/v2").startswith('Thing in version "v2" cannot be handled')


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "unexpected end of JSON input"),
        (b'{"a":', "unexpected end of JSON input"),
        (b'{"a":x}', "invalid character at byte 5"),
        (b'{"a":NaN}', "invalid character at byte 5"),
        (b"{} {}", "invalid character at byte 4 after top-level value"),
        (b'{"a":"\xff"}', "invalid UTF-8"),
        (b"[]", "json: cannot unmarshal array into Go value of type v1.Thing"),
        (b"3", "json: cannot unmarshal number into Go value of type v1.Thing"),
        (b'{"x":' + b"[" * 501 + b"]" * 501 + b"}", "exceeded max depth"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "exceeded max depth"),
    ],
)
def test_what_is_no_object(body: bytes, reason: str) -> None:
    assert refusal(body) == (
        "the object provided is unrecognized (must be of type Thing): "
        f"couldn't get version/kind; json parse error: {reason}"
    )


def test_deep_nesting_is_read_up_to_the_limit() -> None:
    depth = codec.MAX_DEPTH - 1
    assert decode(b'{"x":' + b"[" * depth + b"]" * depth + b"}") == Thing()


def test_many_brackets_are_not_deep() -> None:
    assert decode(json.dumps({"data": {"a": ""}, "x": [[]] * 2000})).data == {"a": b""}


def test_times_come_into_their_written_form() -> None:
    spec = decode(
        '{"spec":{"since":"2026-01-01T01:30:00.999+01:30","exactly":"2026-01-01T00:00:00.5Z"}}'
    ).spec
    assert spec.since == "2026-01-01T00:00:00Z"
    assert spec.exactly == "2026-01-01T00:00:00.500000Z"
    same = '{"spec":{"since":"2026-12-31T23:59:59Z","exactly":"2026-02-28T00:00:00.000001Z"}}'
    assert decode(same).spec == Spec(
        since="2026-12-31T23:59:59Z", exactly="2026-02-28T00:00:00.000001Z"
    )


@pytest.mark.parametrize(
    "text",
    ["soon", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-13-01T00:00:00Z"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert "RFC 3339" in refusal(json.dumps({"spec": {"since": text}}))


def test_quantities_may_be_numbers_and_ports_names() -> None:
    spec = decode(
        '{"spec":{"amounts":{"cpu":2,"mem":"1Gi","x":0.5},"parts":[{"port":"web"}]}}'
    ).spec
    assert spec.amounts == {"cpu": "2", "mem": "1Gi", "x": "0.5"}
    assert spec.parts[0].port == "web"


def test_what_may_be_anything_or_a_fraction() -> None:
    spec = decode(
        '{"spec":{"since":null,"free":{"a":[null,1.5]},"ratio":2,"index":{"a":null}}}'
    ).spec
    assert (spec.free, spec.ratio, spec.index) == ({"a": [None, 1.5]}, 2.0, {"a": Part()})
    body = '{"spec":{"since":"2026-01-01T00:00:00.5Z","ratio":0.5,"free":3}}'
    assert decode(body).spec == Spec(since="2026-01-01T00:00:00Z", ratio=0.5, free=3)


def test_field_names_are_case_sensitive() -> None:
    decoded = codec.decode(b'{"Kind":"x","DATA":1}', Thing, kind="Thing", find=True)
    assert decoded.obj == Thing()
    assert decoded.findings == ['unknown field "Kind"', 'unknown field "DATA"']


def test_yaml_is_read_as_the_same_json() -> None:
    text = "kind: Thing\nmetadata:\n  name: a\n  creationTimestamp: null\ndata:\n  k: dg==\n"
    decoded = codec.decode(text.encode(), Thing, yaml=True, kind="Thing", find=True)
    assert decoded.obj == Thing(kind="Thing", metadata=ObjectMeta(name="a"), data={"k": b"v"})
    assert decoded.findings == []


def test_yaml_findings() -> None:
    text = b"kind: Thing\nkind: Thing\nfoo: 1\nspec:\n  bar: 1\n"
    decoded = codec.decode(text, Thing, yaml=True, kind="Thing", find=True)
    assert decoded.findings == [
        'yaml: unmarshal errors:\n  line 2: key "kind" already set in map',
        'unknown field "foo"',
        'unknown field "spec.bar"',
    ]
    assert codec.decode(text, Thing, yaml=True, kind="Thing").findings == []


def test_yaml_that_is_none() -> None:
    assert refusal(b"a: [", yaml=True) == (
        "the object provided is unrecognized (must be of type Thing): "
        "yaml: line 1: did not find expected node content"
    )
    assert "cannot unmarshal string" in refusal(b"just text", yaml=True)


def test_trees_go_there_and_back() -> None:
    thing = Thing(data={"a": b"\x00\xff"}, spec=Spec(parts=[Part(name="p", port=80)]))
    tree = codec.to_tree(thing)
    assert tree["data"] == {"a": "AP8="}
    assert codec.from_tree(tree, Thing) == thing


def test_a_tree_that_does_not_fit_is_a_422_without_it() -> None:
    with pytest.raises(StatusError) as caught:
        codec.from_tree({"data": {"a": "s3cret!"}}, Thing)
    assert caught.value.code == 422
    assert str(caught.value) == (
        ' "" is invalid: patch: Invalid value: "<contents omitted>": '
        "illegal base64 data at input byte 6"
    )


names = st.text("abc-.", max_size=6)
things = st.builds(
    Thing,
    metadata=st.builds(ObjectMeta, name=names, labels=st.dictionaries(names, names, max_size=3)),
    data=st.dictionaries(names, st.binary(max_size=20), max_size=4),
    spec=st.builds(
        Spec,
        size=st.none() | st.integers(-(2**63), 2**63 - 1),
        parts=st.lists(st.builds(Part, name=names, port=st.none() | st.integers(0, 9) | names)),
        words=st.lists(st.text(max_size=4), max_size=3),
        amounts=st.dictionaries(names, st.sampled_from(["1", "100m", "2Gi"]), max_size=2),
    ),
)


@given(things)
def test_what_is_encoded_decodes_to_the_same(thing: Thing) -> None:
    body = codec.encode(thing)
    decoded = codec.decode(body, Thing, kind="Thing", find=True)
    assert decoded.obj == thing
    assert decoded.findings == []
    assert codec.from_tree(codec.to_tree(thing), Thing) == thing


@pytest.mark.parametrize("word", ["y", "N", "Yes", "off", "1e3", "0x1f", "1_0", "~", ".inf", "<<"])
def test_words_stay_words_in_yaml(word: str) -> None:
    tree = {word: [word, f" {word}", f"{word}\n"]}
    assert yaml_text.load(yaml_text.dump(tree).encode()) == (tree, [])
    assert yaml.safe_load(yaml_text.dump(tree)) == tree


@given(things)
@settings(max_examples=40)
def test_yaml_of_an_object_decodes_to_the_same(thing: Thing) -> None:
    text = yaml_text.dump(codec.to_tree(thing))
    assert decode(text, yaml=True) == thing


MARKER = "s3cret MARKER"
scalars = st.sampled_from(
    [MARKER, MARKER + "!", base64.b64encode(MARKER.encode()).decode(), None, True, 1, -1.5, 10**30]
)
member_names = st.sampled_from(
    [
        "kind",
        "apiVersion",
        "metadata",
        "data",
        "spec",
        "labels",
        "name",
        "parts",
        "port",
        "since",
        "size",
        "ready",
        "amounts",
        "words",
        "creationTimestamp",
        "other",
        "count",
        "whole",
        "free",
    ]
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(member_names, inner, max_size=5),
    max_leaves=12,
)


@given(
    st.dictionaries(member_names, trees, min_size=1, max_size=6), st.booleans(), st.integers(0, 400)
)
@settings(max_examples=300)
def test_no_message_contains_the_payload(tree: Any, in_yaml: bool, cut: int) -> None:
    whole = (yaml.safe_dump(tree) if in_yaml else json.dumps(tree)).encode()
    for body in (whole, whole[:cut]):
        refused: StatusError | None = None
        try:
            codec.decode(body, Thing, yaml=in_yaml, kind="Thing", find=True)
        except StatusError as error:
            refused = error
        if refused is not None:
            told = codec.encode(refused.to_status()).decode() + repr(refused)
            assert MARKER not in told
            assert refused.__cause__ is None
            assert refused.__suppress_context__


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for in_yaml in (False, True):
        try:
            decoded = codec.decode(body, Thing, yaml=in_yaml, kind="Thing", find=True)
        except StatusError:
            # The only way to refuse a body; anything else fails the test.
            continue
        assert isinstance(decoded.obj, Thing)
