"""Strategic merge patch: lists by key, directives, order, and the laws of difference."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.api.patch.strategic import apply_strategic
from tests.api.samples import Thing


def apply(original: Any, patch: Any) -> Any:
    """Patch the spec of a Thing, and check that nothing was changed in place."""
    before = deepcopy((original, patch))
    result = apply_strategic({"spec": original}, {"spec": patch}, Thing)
    assert (original, patch) == before
    return result.get("spec")


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"size": 1, "mode": "Slow"}, {"size": 2}, {"size": 2, "mode": "Slow"}),
        ({"size": 1}, {"size": None}, {}),
        ({"size": 1}, {}, {"size": 1}),
        # Maps merge, null removes.
        (
            {"amounts": {"a": "1", "b": "2"}},
            {"amounts": {"a": None, "c": "3"}},
            {"amounts": {"b": "2", "c": "3"}},
        ),
        ({}, {"amounts": {"a": None, "c": "3"}}, {"amounts": {"c": "3"}}),
        # Lists with a merge key merge item by item, and the patch's order comes first.
        (
            {"parts": [{"name": "a", "image": "x", "count": 1}]},
            {"parts": [{"name": "a", "image": "y"}]},
            {"parts": [{"name": "a", "image": "y", "count": 1}]},
        ),
        ({"parts": named("a", "b")}, {"parts": named("c")}, {"parts": named("c", "a", "b")}),
        ({"parts": named("a", "b")}, {"parts": named("b", "a")}, {"parts": named("b", "a")}),
        (
            {"parts": [{"name": "a", "env": named("x", "y")}]},
            {"parts": [{"name": "a", "env": [{"name": "y", "image": "1"}]}]},
            {"parts": [{"name": "a", "env": [{"name": "x"}, {"name": "y", "image": "1"}]}]},
        ),
        (
            {"parts": [{"name": "a", "image": "x"}]},
            {"parts": [{"name": "a", "image": None}]},
            {"parts": named("a")},
        ),
        ({"parts": named("a")}, {"parts": []}, {"parts": named("a")}),
        # Other lists are replaced.
        ({"rows": named("a", "b")}, {"rows": named("c")}, {"rows": named("c")}),
        ({"lines": ["a", "b"]}, {"lines": ["c"]}, {"lines": ["c"]}),
        ({"lines": ["a"]}, {"lines": []}, {"lines": []}),
        # Lists of scalars with a merge strategy are sets.
        ({"words": ["a", "b"]}, {"words": ["b", "c"]}, {"words": ["a", "b", "c"]}),
        # A field may say that it is replaced as a whole.
        (
            {"whole": {"name": "a", "image": "x"}},
            {"whole": {"name": "b"}},
            {"whole": {"name": "b"}},
        ),
        (
            {"index": {"a": {"name": "x", "env": named("e")}}},
            {"index": {"a": {"env": named("f")}}},
            {"index": {"a": {"name": "x", "env": named("f", "e")}}},
        ),
        # A value of another type replaces.
        ({"free": [1]}, {"free": {"a": 1}}, {"free": {"a": 1}}),
        ({"free": {"a": {"b": 1}}}, {"free": {"a": {"c": 2}}}, {"free": {"a": {"b": 1, "c": 2}}}),
    ],
)
def test_merging(original: Any, patch: Any, result: Any) -> None:
    assert apply(original, patch) == result


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        # $patch in objects.
        ({"size": 1, "mode": "Slow"}, {"$patch": "replace", "size": 2}, {"size": 2}),
        ({"size": 1}, {"$patch": "delete"}, {}),
        ({"size": 1}, {"$patch": "merge", "mode": "Slow"}, {"size": 1, "mode": "Slow"}),
        (
            {"whole": {"name": "a"}},
            {"size": 1, "amounts": {"$patch": "delete"}},
            {"whole": {"name": "a"}, "size": 1},
        ),
        # $patch in lists.
        (
            {"parts": named("a", "b")},
            {"parts": [{"name": "a", "$patch": "delete"}]},
            {"parts": named("b")},
        ),
        (
            {"parts": named("a")},
            {"parts": [{"name": "z", "$patch": "delete"}]},
            {"parts": named("a")},
        ),
        (
            {"parts": named("a", "b")},
            {"parts": [{"$patch": "replace"}, *named("c")]},
            {"parts": named("c")},
        ),
        ({"parts": named("a", "b")}, {"parts": [{"$patch": "replace"}]}, {"parts": []}),
        ({}, {"parts": [{"name": "a", "$patch": "delete"}, *named("b")]}, {"parts": named("b")}),
        (
            {"parts": [{"name": "a", "image": "x"}]},
            {"parts": [{"name": "a", "$patch": "delete"}, {"name": "a", "count": 1}]},
            {"parts": [{"name": "a", "count": 1}]},
        ),
        # $retainKeys.
        (
            {"sources": [{"name": "s", "disk": {"name": "d"}}]},
            {"sources": [{"name": "s", "$retainKeys": ["name", "net"], "net": {"name": "n"}}]},
            {"sources": [{"name": "s", "net": {"name": "n"}}]},
        ),
        ({"size": 1, "mode": "Slow"}, {"$retainKeys": ["size"]}, {"size": 1}),
        ({}, {"sources": [{"name": "s", "$retainKeys": ["name"]}]}, {"sources": named("s")}),
        # $deleteFromPrimitiveList.
        (
            {"words": ["a", "b", "c"]},
            {"$deleteFromPrimitiveList/words": ["b", "z"]},
            {"words": ["a", "c"]},
        ),
        (
            {"words": ["a", "b"]},
            {"$deleteFromPrimitiveList/words": ["a"], "words": ["c"]},
            {"words": ["c", "b"]},
        ),
        ({}, {"$deleteFromPrimitiveList/words": ["a"]}, {}),
        # $setElementOrder.
        (
            {"parts": named("a", "b", "c")},
            {"$setElementOrder/parts": named("c", "a")},
            {"parts": named("b", "c", "a")},
        ),
        (
            {"parts": named("a", "b")},
            {"$setElementOrder/parts": named("b", "c", "a"), "parts": named("c")},
            {"parts": named("b", "c", "a")},
        ),
        (
            {"parts": named("a", "s")},
            {"$setElementOrder/parts": named("b", "a"), "parts": named("b")},
            {"parts": named("b", "a", "s")},
        ),
        (
            {"parts": named("s", "a")},
            {"$setElementOrder/parts": named("a", "b"), "parts": named("b")},
            {"parts": named("s", "a", "b")},
        ),
        (
            {"parts": named("a", "b")},
            {"$setElementOrder/parts": named("b"), "parts": [{"name": "a", "$patch": "delete"}]},
            {"parts": named("b")},
        ),
        (
            {"words": ["a", "b"]},
            {"$setElementOrder/words": ["c", "b", "a"], "words": ["c"]},
            {"words": ["c", "b", "a"]},
        ),
        (
            {},
            {"$setElementOrder/parts": named("b", "a"), "parts": named("b", "a")},
            {"parts": named("b", "a")},
        ),
        ({}, {"$setElementOrder/parts": named("a")}, {}),
        ({"parts": named("a")}, {"$setElementOrder/parts": [], "parts": None}, {}),
        # Where nothing was, directives have nothing to do.
        ({}, {"whole": {"$patch": "replace", "name": "a"}}, {}),
        (
            {},
            {"whole": {"name": "a", "$setElementOrder/env": named("x"), "env": named("x")}},
            {"whole": {"name": "a", "env": named("x")}},
        ),
    ],
)
def test_directives(original: Any, patch: Any, result: Any) -> None:
    assert apply(original, patch) == result


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"$patch": "s3cret"}, "unknown patch type in a $patch directive"),
        ({"$patch": 1}, "unknown patch type in a $patch directive"),
        (
            {"parts": [{"name": "a", "$patch": "s3cret"}]},
            "unknown patch type in a $patch directive",
        ),
        (
            {"parts": [{"name": "a", "$patch": "merge"}]},
            "merging lists cannot yet be specified in the patch",
        ),
        ({"parts": [{"image": "s3cret"}]}, "map does not contain declared merge key: name"),
        ({"parts": [{"$patch": "delete"}]}, "map does not contain declared merge key: name"),
        ({"parts": ["s3cret"]}, "list element types are not identical"),
        (
            {"parts": [{"name": {"x": 1}}]},
            "a list item cannot be told from others by an object or a list",
        ),
        ({"$retainKeys": "size"}, "invalid patch format of retainKeys"),
        ({"$retainKeys": [1]}, "invalid patch format of retainKeys"),
        ({"$retainKeys": ["mode"], "size": 3}, "invalid patch format of retainKeys"),
        ({"$deleteFromPrimitiveList": ["a"]}, "invalid patch format of primitive list"),
        ({"$deleteFromPrimitiveList/words": "a"}, "invalid patch format of primitive list"),
        ({"$deleteFromPrimitiveList/words": [{}]}, "invalid patch format of primitive list"),
        ({"$setElementOrder/parts": "a"}, "invalid patch format of setElementOrder list"),
        (
            {"$setElementOrder/parts": named("a"), "parts": "a"},
            "invalid patch format of setElementOrder list",
        ),
        (
            {"$setElementOrder/parts": named("a", "b"), "parts": named("b", "a")},
            "The order in patch list doesn't match $setElementOrder list",
        ),
        (
            {"$setElementOrder/parts": named("a"), "parts": named("c")},
            "The order in patch list doesn't match $setElementOrder list",
        ),
    ],
)
def test_malformed_patches_are_a_400_without_values(patch: Any, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        apply({"parts": named("a"), "words": ["a"], "size": 1}, patch)
    assert (caught.value.code, str(caught.value)) == (400, message)


def test_lists_of_lists_are_a_422() -> None:
    with pytest.raises(StatusError) as caught:
        apply({"words": ["a"]}, {"words": [["b"]]})
    assert caught.value.code == 422


def test_secrets_data_merges_by_key() -> None:
    original = {"data": {"a": "YQ==", "b": "Yg=="}, "metadata": {"labels": {"x": "1"}}}
    patch = {"data": {"a": None, "c": "Yw=="}, "metadata": {"labels": {"y": "2"}}}
    assert apply_strategic(original, patch, Thing) == {
        "data": {"b": "Yg==", "c": "Yw=="},
        "metadata": {"labels": {"x": "1", "y": "2"}},
    }


# --- laws ---------------------------------------------------------------------------------------

names = st.sampled_from("abcde")
fields = st.fixed_dictionaries(
    {}, optional={"image": st.sampled_from("xyz"), "count": st.integers(1, 3)}
)


@st.composite
def part_lists(draw: st.DrawFn, depth: int = 1) -> list[dict[str, Any]]:
    chosen = draw(st.lists(names, unique=True, max_size=4))
    parts = [{"name": name, **draw(fields)} for name in chosen]
    for part in parts:
        if depth and (env := draw(part_lists(depth=depth - 1))):
            part["env"] = env
    return parts


specs = st.fixed_dictionaries(
    {"parts": part_lists(), "words": st.lists(names, unique=True, max_size=4)},
    optional={
        "amounts": st.dictionaries(names, st.sampled_from("12"), max_size=3),
        "size": st.integers(),
    },
)


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A patch from ``old`` to ``new`` as kubectl makes it, with the order of every list."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key in ("parts", "env"):
            patch[key] = part_difference(old.get(key, []), value)
            patch[f"$setElementOrder/{key}"] = [{"name": p["name"]} for p in value]
        elif key == "words":
            patch[key] = [w for w in value if w not in old.get(key, [])]
            patch[f"$deleteFromPrimitiveList/{key}"] = [
                w for w in old.get(key, []) if w not in value
            ]
            patch[f"$setElementOrder/{key}"] = value
        elif isinstance(value, dict):
            patch[key] = difference(old.get(key, {}), value)
        elif old.get(key) != value:
            patch[key] = value
    return patch


def part_difference(old: list[Any], new: list[Any]) -> list[Any]:
    before = {p["name"]: p for p in old}
    kept = {p["name"] for p in new}
    changes = [{**difference(before.get(p["name"], {}), p), "name": p["name"]} for p in new]
    return [*changes, *({"name": n, "$patch": "delete"} for n in before if n not in kept)]


@given(specs, specs)
@settings(max_examples=200)
def test_the_difference_leads_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert apply(old, difference(old, new)) == new


@given(specs, specs)
def test_a_patch_is_idempotent(old: dict[str, Any], patch: dict[str, Any]) -> None:
    once = apply(old, patch)
    assert apply(once, patch) == once


@given(specs)
def test_the_empty_patch_changes_nothing(spec: dict[str, Any]) -> None:
    assert apply(spec, {}) == spec


@given(specs, specs)
def test_others_items_survive_a_merge(old: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = [p["name"] for p in apply(old, patch)["parts"]]
    assert sorted(merged) == sorted({p["name"] for p in [*old["parts"], *patch["parts"]]})
    order = [p["name"] for p in patch["parts"]]
    assert [name for name in merged if name in order] == order


junk = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from(["a", "replace", "delete", "name"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "$patch",
                    "$retainKeys",
                    "$setElementOrder/parts",
                    "$deleteFromPrimitiveList/words",
                    "parts",
                    "words",
                    "name",
                    "env",
                    "size",
                    "spec",
                    "metadata",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(specs, st.dictionaries(st.sampled_from(["spec", "metadata", "$patch", "data"]), junk))
@settings(max_examples=300)
def test_any_patch_applies_or_is_refused(spec: dict[str, Any], patch: dict[str, Any]) -> None:
    try:
        result = apply_strategic({"spec": spec}, patch, Thing)
        codec.from_tree(result, Thing)
    except StatusError as error:
        refused = error.code
    else:
        refused = 0
    assert refused in (0, 400, 422)
