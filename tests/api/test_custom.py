"""Custom objects through codec and patches."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from strongroom.api import codec, custom
from strongroom.api.custom import CustomObject, custom_type
from strongroom.api.errors import StatusError
from strongroom.api.patch import PatchType, apply_patch, find_in_patch
from strongroom.api.structural import validate
from tests.api.structural.schemas import ANYTHING, INTEGER, STRING, Tree, array, obj, spec

EMBEDDED: Tree = {
    **obj(spec=obj(b=STRING)),
    "x-kubernetes-embedded-resource": True,
}
FOO = custom_type(
    "example.com",
    "v1",
    "Foo",
    spec(
        a={**STRING, "default": "x"},
        n=INTEGER,
        l=array(STRING),
        o=obj(b=STRING),
        free=ANYTHING,
        template=EMBEDDED,
    ),
)
FREE = custom_type("example.com", "v1", "Free", None)


def body(kind: str = "Foo", /, **fields: Any) -> bytes:
    """The JSON of an object named ``n``."""
    head = {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "n"}}
    return msgspec.json.encode({**head, **fields})


def decode(data: bytes, struct: type[CustomObject] = FOO, **how: Any) -> codec.Decoded[Any]:
    """Decode a body as the server does."""
    return codec.decode(data, struct, kind=struct.kind_name, version="example.com/v1", **how)


def test_a_type_knows_what_it_is_of() -> None:
    assert (FOO.__name__, FOO.kind_name, FOO.api_version) == ("Foo", "Foo", "example.com/v1")
    assert repr(FOO()) == "<Foo>"


def test_metadata_is_typed_and_content_a_tree() -> None:
    found = decode(body(spec={"n": 1})).obj
    assert isinstance(found, FOO)
    assert found.metadata.name == "n"
    assert found.content == {"spec": {"n": 1}}


def test_empty_values_are_kept() -> None:
    data = (
        b'{"kind":"Foo","apiVersion":"example.com/v1","metadata":{"name":"n"},'
        b'"spec":{"a":"","l":[],"n":0,"o":{}}}'
    )
    found = decode(data).obj
    custom.set_defaults(found)
    assert codec.encode(found) == data


def test_keys_are_sorted_below_type_and_metadata() -> None:
    data = body("Free", z=1, b={"y": 1, "x": [{"d": 1, "c": 2}]})
    assert codec.encode(decode(data, FREE).obj) == (
        b'{"kind":"Free","apiVersion":"example.com/v1","metadata":{"name":"n"},'
        b'"b":{"x":[{"c":2,"d":1}],"y":1},"z":1}'
    )


def test_decoding_prunes_and_defaulting_is_a_step_of_its_own() -> None:
    found = decode(body(spec={"n": 1, "extra": 1}, other=1)).obj
    assert found.content == {"spec": {"n": 1}}
    custom.set_defaults(found)
    assert found.content == {"spec": {"n": 1, "a": "x"}}


def test_numbers_are_read_as_go_does() -> None:
    data = (
        b'{"apiVersion":"example.com/v1","kind":"Free",'
        b'"a":1.0,"b":[1e2,1.5],"c":18446744073709551616}'
    )
    found = decode(data, FREE).obj
    assert found.content == {"a": 1, "b": [100, 1.5], "c": 18446744073709551616.0}
    assert [type(v) for v in (found.content["a"], found.content["c"])] == [int, float]


def test_embedded_metadata_is_brought_into_go_s_form() -> None:
    template = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {}, "other": 1, "creationTimestamp": None},
    }
    found = decode(body(spec={"template": template})).obj
    assert found.content["spec"]["template"]["metadata"] == {"name": "p"}


UNREADABLE = {
    "no kind": (
        b'{"apiVersion":"example.com/v1"}',
        "the object provided is unrecognized (must be of type Foo): Object 'Kind' is missing",
    ),
    "no version": (
        b'{"kind":"Foo"}',
        "the object provided is unrecognized (must be of type Foo): Object 'apiVersion' is missing",
    ),
    "no object": (
        b"[]",
        (
            "the object provided is unrecognized (must be of type Foo): couldn't get version/kind; "
            "json parse error: json: cannot unmarshal array into Go value of type v1.Object"
        ),
    ),
    "metadata of a wrong type": (
        b'{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"labels":"x"}}',
        (
            'Foo in version "v1" cannot be handled as a Foo: json: cannot unmarshal '
            "string into Go struct field ObjectMeta.labels of type map[string]string"
        ),
    ),
    "an embedded kind of a wrong type": (
        body(spec={"template": {"kind": 5}}),
        (
            'Foo in version "v1" cannot be handled as a Foo: spec.template.kind: '
            "Invalid value: 5: must be a string"
        ),
    ),
}


@pytest.mark.parametrize(("data", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        decode(data)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_findings_are_upstreams_in_json_and_yaml() -> None:
    json_body = (
        b'{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"n","unknownMeta":1},'
        b'"spec":{"n":1,"n":2,"extra":1,"template":{"apiVersion":"v1","kind":"Pod",'
        b'"metadata":{"unknownSubMeta":1}}}}'
    )
    yaml_body = (
        b"apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: foo, unknownMeta: 1}\n"
        b"spec:\n  a: x\n  extra: 1\n"
        b"  template: {apiVersion: v1, kind: Pod, metadata: {unknownSubMeta: 1}}\n"
    )
    unknown = [
        'unknown field "metadata.unknownMeta"',
        'unknown field "spec.extra"',
        'unknown field "spec.template.metadata.unknownSubMeta"',
    ]
    assert decode(json_body, find=True).findings == ['duplicate field "spec.n"', *unknown]
    assert decode(yaml_body, yaml=True, find=True).findings == unknown
    assert decode(json_body).findings == []


def test_duplicates_are_found_where_unknown_fields_are_preserved() -> None:
    data = b'{"apiVersion":"example.com/v1","kind":"Foo","spec":{"free":{"x":1,"x":2}}}'
    assert decode(data, find=True).findings == ['duplicate field "spec.free.x"']


def test_without_a_schema_nothing_is_unknown() -> None:
    assert decode(body("Free", any={"thing": None}), FREE, find=True).findings == []


def test_a_copy_shares_nothing() -> None:
    first = decode(body(spec={"l": ["x"]})).obj
    second = custom.copy(first)
    second.content["spec"]["l"].append("y")
    second.metadata.labels["a"] = "b"
    assert first.content == {"spec": {"l": ["x"]}}
    assert first.metadata.labels == {}
    assert type(second) is FOO


def test_trees_go_and_come() -> None:
    first = decode(body(spec={"n": 1})).obj
    tree = codec.to_tree(first)
    assert tree == {
        "apiVersion": "example.com/v1",
        "kind": "Foo",
        "metadata": {"name": "n"},
        "spec": {"n": 1},
    }
    again = codec.from_tree({**tree, "extra": 1}, FOO)
    assert again == first
    again.content["spec"]["n"] = 2
    assert tree["spec"] == {"n": 1}


def test_patches() -> None:
    current = codec.to_tree(decode(body(spec={"n": 1, "l": ["a"]})).obj)
    merged = apply_patch(PatchType.MERGE, current, b'{"spec":{"n":null,"l":["b"],"q":1}}', FOO)
    assert codec.from_tree(merged, FOO).content == {"spec": {"l": ["b"]}}
    assert find_in_patch(PatchType.MERGE, b"{}", merged, FOO) == ['unknown field "spec.q"']
    patch = b'[{"op":"add","path":"/spec/l/-","value":"b"}]'
    patched = apply_patch(PatchType.JSON, current, patch, FOO)
    assert codec.from_tree(patched, FOO).content["spec"]["l"] == ["a", "b"]
    with pytest.raises(StatusError) as caught:
        apply_patch(PatchType.STRATEGIC, current, b"{}", FOO)
    assert caught.value.code == 415
    assert caught.value.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )


def test_a_patch_that_takes_the_kind_away_is_refused() -> None:
    tree = codec.to_tree(decode(body()).obj)
    del tree["kind"]
    with pytest.raises(StatusError) as caught:
        codec.from_tree(tree, FOO)
    assert caught.value.code == 422


@pytest.mark.parametrize("struct", [FREE, FOO])
def test_content_may_be_as_deep_as_any_body(struct: type[CustomObject]) -> None:
    lists = b"[" * 490 + b"1.0" + b"]" * 490
    maps = b'{"a":' * 490 + b"true" + b"}" * 490
    for deep in (lists, maps):
        data = body(struct.kind_name, spec={"free": {"x": msgspec.Raw(deep)}, "anything": {}})
        found = decode(data, struct, find=True).obj
        again = codec.from_tree(codec.to_tree(found), struct)
        assert again == found
        assert codec.encode(custom.copy(found)) == codec.encode(again)
        if (schema := struct.structural) is not None:
            tree = custom.view_tree(found)
            assert validate(tree, schema, custom.view_tree(again)) == []


def test_what_is_deep_and_of_no_schema_is_pruned() -> None:
    anything: Tree = {"type": "object", "additionalProperties": True}
    struct = custom_type("example.com", "v1", "Bag", spec(m=anything))
    lists = msgspec.Raw(b"[" * 490 + b"1" + b"]" * 490)
    found = decode(body("Bag", spec={"m": {"x": lists}}), struct).obj
    assert codec.encode(found).endswith(b'"x":' + bytes(lists) + b"}}}")
    maps = msgspec.Raw(b'[{"a":' * 240 + b"1" + b"}]" * 240)
    found = decode(body("Bag", spec={"m": {"x": maps}}), struct).obj
    assert found.content == {"spec": {"m": {"x": [{}]}}}
