"""JSON patch: RFC 6902's operations, upstream's tolerances, and refusals that tell nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api.errors import StatusError
from strongroom.api.patch import json_patch
from strongroom.api.patch.json_patch import apply_json_patch, equal, unknown_members
from tests.api.patch.test_merge_patch import documents, trees


def op(name: str, path: str, **members: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **{k.rstrip("_"): v for k, v in members.items()}}


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"foo": "bar"}, [op("add", "/baz", value="qux")], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["a", "c"]}, [op("add", "/foo/1", value="b")], {"foo": ["a", "b", "c"]}),
        ({"foo": ["a"]}, [op("add", "/foo/-", value=["b"])], {"foo": ["a", ["b"]]}),
        ({"foo": ["a"]}, [op("add", "/foo/1", value="b")], {"foo": ["a", "b"]}),
        ({"foo": 1}, [op("add", "/foo", value=2)], {"foo": 2}),
        ({"foo": 1}, [op("add", "", value={"a": 1})], {"a": 1}),
        ({"foo": 1}, [op("add", "/bar")], {"foo": 1, "bar": None}),
        ({"a": 1, "b": 2}, [op("remove", "/a")], {"b": 2}),
        ({"a": [1, 2, 3]}, [op("remove", "/a/1")], {"a": [1, 3]}),
        ({"a": [1, 2, 3]}, [op("remove", "/a/-1")], {"a": [1, 2]}),
        ({"a": 1}, [op("replace", "/a", value=2)], {"a": 2}),
        ({"a": [1, 2]}, [op("replace", "/a/0", value=3)], {"a": [3, 2]}),
        ({"a": 1}, [op("replace", "", value={})], {}),
        ({"a": {"b": 1}, "c": {}}, [op("move", "/c/d", from_="/a/b")], {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, [op("move", "/a/2", from_="/a/0")], {"a": [2, 3, 1]}),
        ({"a": 1}, [op("move", "/a", from_="/a")], {"a": 1}),
        ({"a": {"b": 1}}, [op("copy", "/c", from_="/a")], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": 1}, [op("test", "/a", value=1)], {"a": 1}),
        ({"a": 1}, [op("test", "/a", value=1.0)], {"a": 1}),
        ({"a": 1}, [op("test", "", value={"a": 1})], {"a": 1}),
        ({"a": 1}, [op("test", "/b", value=None)], {"a": 1}),
        ({"/": 9, "~1": 10}, [op("test", "/~01", value=10)], {"/": 9, "~1": 10}),
        ({"/": 9, "~1": 10}, [op("remove", "/~1")], {"~1": 10}),
        ({"": 1}, [op("replace", "/", value=2)], {"": 2}),
        (
            {"a": {"b": {}}},
            [op("add", "/a/b/c", value=1), op("remove", "/a/b/c")],
            {"a": {"b": {}}},
        ),
    ],
)
def test_operations(document: Any, patch: list[Any], result: Any) -> None:
    assert equal(apply_json_patch(document, patch), result)


@pytest.mark.parametrize(
    "step",
    [
        op("test", "/a", value="other"),
        op("test", "/n", value=True),
        op("test", "/a/b/c", value=None),
        op("remove", "/missing"),
        op("remove", ""),
        op("replace", "/missing", value=1),
        op("replace", "/a/b", value=1),
        op("replace", "/l/2", value=1),
        op("add", "/missing/b", value=1),
        op("add", "/a/b", value=1),
        op("add", "/l/3", value=1),
        op("add", "/l/x", value=1),
        op("remove", "/l/-3"),
        op("remove", "/l/9999999999999999999999"),
        op("move", "/l/0/x", from_="/l/0"),
        op("move", "/b", from_="/missing"),
        op("move", "/b"),
        op("copy", "/b", from_="/missing"),
        op("add", "no-slash", value=1),
        {"op": "add", "value": 1},
        {"path": "/a"},
        op("spam", "/a"),
    ],
)
def test_what_does_not_apply_is_a_422_that_tells_nothing(step: dict[str, Any]) -> None:
    document = {"a": "s3cret", "l": [{}, 1], "n": 1}
    with pytest.raises(StatusError) as caught:
        apply_json_patch(document, [step])
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert str(caught.value) == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize("patch", [{}, "x", [1], [[]], [{"op": 1}], [{"op": "add", "path": 2}]])
def test_what_is_no_patch_is_a_400(patch: Any) -> None:
    with pytest.raises(StatusError) as caught:
        apply_json_patch({}, patch)
    assert caught.value.code == 400


def test_too_many_operations_are_a_413() -> None:
    step = op("test", "/a", value=1)
    assert apply_json_patch({"a": 1}, [step] * 10_000) == {"a": 1}
    with pytest.raises(StatusError) as caught:
        apply_json_patch({"a": 1}, [step] * 10_001)
    assert caught.value.code == 413
    assert str(caught.value) == (
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, "
        "got 10001"
    )


def test_copies_of_small_values_count_too() -> None:
    within = [op("copy", "/a/-", from_="/a") for _ in range(20)]
    with pytest.raises(StatusError) as caught:
        # Two bytes each: a million of them stay under every limit of bytes.
        apply_json_patch({"a": [[]]}, within)
    assert caught.value.code == 422


def test_copies_cannot_multiply_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    doubling = [op("copy", f"/a/{i}", from_="/a") for i in range(12)]
    monkeypatch.setattr(json_patch, "MAX_COPIED_BYTES", 1000)
    with pytest.raises(StatusError) as caught:
        apply_json_patch({"a": {"x": "y"}}, doubling)
    assert caught.value.code == 422


def test_a_result_cannot_nest_without_end() -> None:
    within = [op("copy", "/a" + "/x" * 2**i, from_="/a") for i in range(13)]
    assert apply_json_patch({"a": {}}, within[:2]) == {"a": {"x": {"x": {"x": {}}}}}
    with pytest.raises(StatusError) as caught:
        apply_json_patch({"a": {}}, within)
    assert caught.value.code == 422
    doubling = [op("copy", "/x", from_="") for _ in range(600)]
    with pytest.raises(StatusError) as caught:
        apply_json_patch({}, doubling)
    assert caught.value.code == 422


def test_unknown_members_of_operations() -> None:
    patch = [{"op": "add", "path": "/a", "value": 1}, {"op": "remove", "path": "/a", "x": 1}]
    assert unknown_members(patch) == ['unknown field "[1].x"']


def pointer(path: list[Any]) -> str:
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)


def paths(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members: Any = enumerate(tree) if isinstance(tree, list) else ()
    members = tree.items() if isinstance(tree, dict) else members
    return [at, *(p for key, value in members for p in paths(value, (*at, key)))]


@given(documents, trees, st.data())
def test_add_then_remove_and_replace_back(document: Any, value: Any, data: st.DataObject) -> None:
    before = deepcopy(document)
    path = data.draw(st.sampled_from(paths(document)))
    target = pointer(list(path))
    replaced = apply_json_patch(document, [op("replace", target, value=value)])
    assert equal(apply_json_patch(replaced, [op("test", target, value=value)]), replaced)
    moved = [op("add", "/~new", value=value), op("copy", "/other", from_="/~0new")]
    moved[0]["path"] = "/~0new"
    both = apply_json_patch(document, moved)
    assert equal(both["~new"], value)
    assert equal(both["other"], value)
    assert document == before


@given(documents, documents)
def test_copies_share_nothing(document: Any, value: Any) -> None:
    patch = [
        op("add", "/x", value=value),
        op("copy", "/z", from_="/x"),
        op("add", "/z/mark", value=1),
    ]
    result = apply_json_patch(document, patch)
    assert equal(result["x"], value)
    assert result["z"]["mark"] == 1


@given(trees, trees)
def test_equality_is_that_of_json(a: Any, b: Any) -> None:
    assert equal(a, b) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))
