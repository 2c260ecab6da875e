"""Laws of patches on random trees and on random objects of every kind."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.api import codec
from strongroom.api.jsontext import copy_tree
from strongroom.api.patch import PatchType, apply_patch
from strongroom.api.patch.json_patch import apply_json_patch
from strongroom.api.patch.merge_patch import apply_merge_patch
from strongroom.api.patch.strategic import apply_strategic
from strongroom.api.schema import Struct, schema_of
from strongroom.resources.catalog import CATALOG
from tests.api.protobuf_objects import Filler, message_name
from tests.fuzz.mutations import as_json, attempted, damaged_tree
from tests.fuzz.sizes import examples, seeds

TYPES: list[type[Struct]] = list(dict.fromkeys(r.type for r in CATALOG.all()))
each = pytest.mark.parametrize("struct", TYPES, ids=message_name)

_NAMES = st.sampled_from(["a", "b", "c", "~", "/", ""])
_SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x"])
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(_NAMES, _TREES, max_size=4)


def difference(old: Any, new: dict[str, Any]) -> dict[str, Any]:
    """The merge patch from one object to another, which has no nulls (RFC 7386)."""
    if not isinstance(old, dict):
        old = {}
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if isinstance(value, dict):
            patch[name] = difference(old.get(name), value)
        elif name not in old or old[name] != value or type(old[name]) is not type(value):
            patch[name] = value
    return patch


def composed(first: Any, second: Any) -> Any:
    """The merge patch that does what two do one after the other."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    out = dict(first)
    for name, value in second.items():
        # What the first removes or replaces is new to the second: nothing of the object is left.
        known = isinstance(first.get(name), dict) or name not in first
        out[name] = composed(first.get(name), value) if known and name in first else value
    return out


def without_nulls(tree: Any) -> Any:
    """A tree as a merge patch leaves it: members that are null are gone, items stay."""
    if isinstance(tree, dict):
        return {name: without_nulls(value) for name, value in tree.items() if value is not None}
    return tree


@examples(60)
@given(OBJECTS, OBJECTS)
def test_the_merge_patch_between_two_objects_leads_from_one_to_the_other(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    old, new = without_nulls(old), without_nulls(new)
    before = copy_tree(old)
    assert apply_merge_patch(old, difference(old, new)) == new
    assert old == before


@examples(60)
@given(OBJECTS, OBJECTS)
def test_a_merge_patch_is_idempotent(tree: dict[str, Any], patch: dict[str, Any]) -> None:
    once = apply_merge_patch(tree, patch)
    assert apply_merge_patch(once, patch) == once


@examples(100)
@given(OBJECTS, OBJECTS, OBJECTS)
def test_merge_patches_merge(tree: Any, first: Any, second: Any) -> None:
    """Two patches, one after the other, are one: unless the second goes into what the first cut."""
    in_turns = apply_merge_patch(apply_merge_patch(tree, first), second)
    if _goes_into_cut(first, second):
        return
    assert apply_merge_patch(tree, composed(first, second)) == in_turns


def _goes_into_cut(first: Any, second: Any) -> bool:
    if not isinstance(first, dict) or not isinstance(second, dict):
        return False
    return any(
        name in first
        and isinstance(value, dict)
        and (not isinstance(first[name], dict) or _goes_into_cut(first[name], value))
        for name, value in second.items()
    )


@examples(60)
@given(OBJECTS, OBJECTS)
def test_a_json_patch_of_whole_members_leads_from_one_object_to_another(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    def pointer(name: str) -> str:
        return "/" + name.replace("~", "~0").replace("/", "~1")

    steps: list[Any] = [{"op": "test", "path": pointer(n), "value": old[n]} for n in old]
    steps += [{"op": "remove", "path": pointer(n)} for n in old if n not in new]
    steps += [{"op": "add", "path": pointer(n), "value": new[n]} for n in new]
    before = copy_tree(old)
    assert apply_json_patch(old, steps) == new
    assert old == before


def _repeats(tree: Any, struct: type[Struct]) -> bool:
    """Whether a list merged by key has an item twice: all patches of it then go to the first."""
    for name, field in schema_of(struct).fields.items():
        value, inner = tree.get(name), field.type
        if inner.items is not None and isinstance(value, list) and inner.items.struct:
            keys = [item.get(field.facts.merge_key) for item in value]
            if field.facts.merge_key and len(keys) != len({repr(key) for key in keys}):
                return True
            if any(_repeats(item, inner.items.struct) for item in value):
                return True
        elif inner.struct is not None and isinstance(value, dict) and _repeats(value, inner.struct):
            return True
    return False


@each
def test_an_object_merged_into_itself_is_itself(struct: type[Struct]) -> None:
    for random in seeds(3):
        tree = codec.to_tree(Filler(random).object(struct, None))
        before = copy_tree(tree)
        assert apply_merge_patch(tree, copy_tree(tree)) == before, random
        once = attempted(random, partial(apply_strategic, tree, copy_tree(tree), struct))
        if once is not None and not _repeats(tree, struct):
            assert apply_strategic(once, copy_tree(tree), struct) == once, random
        assert tree == before, random


@each
def test_any_patch_of_any_object_is_done_or_refused(struct: type[Struct]) -> None:
    for random in seeds(6):
        tree = codec.to_tree(Filler(random).object(struct, None))
        before = copy_tree(tree)
        other = codec.to_tree(Filler(random).object(struct, None))
        body = as_json(damaged_tree(random, random.choice((tree, other))))
        for kind in PatchType:
            patched = attempted(random, partial(apply_patch, kind, tree, body, struct))
            if patched is not None:
                attempted(random, partial(codec.from_tree, patched, struct))
        assert tree == before, random
