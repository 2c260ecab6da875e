"""How many values a body may hold: bytes alone do not bound the work that it makes."""

import json

import pytest

from strongroom.api.codec import decode
from strongroom.api.errors import StatusError
from strongroom.api.jsontext import MAX_VALUES, count_values, may_exceed, most_values
from strongroom.api.patch import PatchType, apply_patch
from strongroom.api.protobuf import PREFIX, decode_protobuf
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.endpointslice import EndpointSlice
from strongroom.resources.pod import Pod

TOO_MANY = "exceeded max number of values"


@pytest.mark.parametrize("tree", [1, [], {}, [1, [2, {"a": []}]], {"a": {"b": [1, 2]}, "c": "x,y"}])
def test_values_are_counted_and_never_underestimated(tree: object) -> None:
    body = json.dumps(tree).encode()
    count = count_values(tree)
    assert json.loads(body) == tree
    assert not may_exceed(body, 100)
    # The quick look may be wrong in one direction only.
    assert may_exceed(body, count - 1)


@pytest.mark.parametrize("find", [True, False])
def test_a_body_of_a_great_many_small_values_is_refused(find: bool) -> None:
    body = b'{"spec":{"containers":[' + b",".join([b"{}"] * MAX_VALUES) + b"]}}"
    with pytest.raises(StatusError, match=TOO_MANY) as caught:
        decode(body, Pod, kind="Pod", find=find)
    assert caught.value.code == 400


@pytest.mark.parametrize("find", [True, False])
def test_text_full_of_commas_is_one_value(find: bool) -> None:
    text = ",[{:" * MAX_VALUES
    body = json.dumps({"data": {"table": text}}).encode()
    assert decode(body, ConfigMap, kind="ConfigMap", find=find).obj.data == {"table": text}


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"a," * (2 * MAX_VALUES + 1) + b"]",
        b"- - - - - -\n" * MAX_VALUES,
        b"?\n" * (2 * MAX_VALUES + 1),
        b"".join(b"k%d: v\n" % i for i in range(MAX_VALUES + 1)),
    ],
)
def test_so_is_yaml(body: bytes) -> None:
    with pytest.raises(StatusError, match="yaml: exceeded max number of values"):
        decode(body, ConfigMap, yaml=True, kind="ConfigMap")


def test_yaml_text_of_many_lines_is_one_value() -> None:
    lines = "a, b: [c]\n" * MAX_VALUES
    body = "data:\n  table: |\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    decoded = decode(body.encode(), ConfigMap, yaml=True, kind="ConfigMap")
    assert decoded.obj.data == {"table": lines}


def test_so_is_protobuf() -> None:
    # Field 2 of runtime.Unknown is a pod; field 1 of that its metadata, here again and again.
    raw = b"\x0a\x00" * (2 * MAX_VALUES + 2)
    size = bytes((len(raw) & 0x7F | 0x80, len(raw) >> 7 & 0x7F | 0x80, len(raw) >> 14))
    with pytest.raises(StatusError, match=TOO_MANY):
        decode_protobuf(PREFIX + b"\x12" + size + raw, Pod, kind="Pod")


def test_so_is_a_patch() -> None:
    many = [0] * MAX_VALUES
    body = json.dumps({"x": many}).encode()
    for kind in (PatchType.MERGE, PatchType.STRATEGIC):
        with pytest.raises(StatusError, match=TOO_MANY):
            apply_patch(kind, {}, body, ConfigMap)


def test_a_json_patch_may_have_as_many_operations_as_upstream_allows() -> None:
    steps = [{"op": "add", "path": "/data/k", "value": "v"}] * 10_000
    patched = apply_patch(PatchType.JSON, {"data": {}}, json.dumps(steps).encode(), ConfigMap)
    assert patched == {"data": {"k": "v"}}


def test_but_not_grow_the_object_by_copying() -> None:
    start = {"op": "add", "path": "/x", "value": [0] * 1000}
    steps = [{"op": "copy", "from": "/x", "path": f"/y{i}"} for i in range(30)]
    with pytest.raises(StatusError) as caught:
        apply_patch(PatchType.JSON, {}, json.dumps([start, *steps]).encode(), ConfigMap)
    assert caught.value.code == 422


def test_a_type_may_allow_more_values_of_itself() -> None:
    assert most_values(EndpointSlice) > most_values(Pod) == MAX_VALUES
    addresses = b",".join([b'"10.0.0.1"'] * MAX_VALUES)
    body = b'{"endpoints":[{"addresses":[' + addresses + b"]}]}"
    slice_ = decode(body, EndpointSlice, kind="EndpointSlice").obj
    assert len(slice_.endpoints[0].addresses) == MAX_VALUES
