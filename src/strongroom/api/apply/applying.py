"""An apply: the configuration is laid over the object, and its manager owns what it says.

What the manager applied before and no longer says is removed, unless others own it, too. Fields of
others may be said with the same value (both own them then); a different value is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.api.apply.fieldset import Fields, difference, intersection
from strongroom.api.apply.fieldset import union as union_of
from strongroom.api.apply.merge import merge, with_named_fields, without
from strongroom.api.apply.owners import Manager, Owned, Owners, updater
from strongroom.api.apply.ownership import compare, mentioned
from strongroom.api.apply.shape import Shape
from strongroom.api.apply.tracking import STRIPPED, Terms, ignoring, losses, reconciled, track

Tree = dict[str, Any]

BEFORE_FIRST_APPLY = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Applied:
    """The object after an apply, and its owners."""

    tree: Tree
    owners: Owners


def apply(
    terms: Terms, live: Tree, config: Tree, owners: Owners, manager: Manager, *, force: bool
) -> Applied:
    """Apply a valid configuration to an object (an empty one, when there is none).

    Raises Conflicts, and FieldsError for a list item without its key.
    """
    before = reconciled(terms, owners)
    last = before.get(manager)
    said = ignoring(mentioned(config, terms.shape), terms.ignored)
    claimed = {**before, manager: Owned(said, terms.version, last.time if last else "")}
    tree = merge(live, config, terms.shape)
    if last and last.fields:
        tree = _pruned(tree, claimed, last.fields, terms.shape)
    comparison = compare(live, tree, terms.shape).without(terms.ignored)
    after = losses(claimed, comparison, manager, force=force)
    own = difference(said, STRIPPED)
    after.pop(manager, None)
    if own:
        time = _time_of(last) if tree == live else terms.now
        after[manager] = Owned(own, terms.version, time)
    return Applied(tree, after)


def _time_of(last: Owned | None) -> str:
    """The time of an entry whose apply changed nothing: as it was, and none when it is new."""
    return last.time if last else ""


def adopted(terms: Terms, live: Tree, empty: Tree, owners: Owners, subresource: str = "") -> Owners:
    """The owners before an apply: an object that had none is owned by ``before-first-apply``."""
    if owners:
        return owners
    manager = updater(BEFORE_FIRST_APPLY, terms.version, subresource)
    return track(terms, empty, live, {}, manager)


def _pruned(merged: Tree, owners: Owners, last: Fields, shape: Shape) -> Tree:
    """The merged object without what the manager applied last time and nobody owns any more."""
    pruned = without(merged, with_named_fields(last, shape), shape)
    owned: Fields = {}
    for entry in owners.values():
        owned = union_of(owned, entry.fields)
    there = with_named_fields(mentioned(merged, shape), shape)
    kept = union_of(
        with_named_fields(mentioned(pruned, shape), shape), with_named_fields(owned, shape)
    )
    pruned = without(merged, difference(there, kept), shape)
    # Only what the manager had applied itself may go: items of nobody stay.
    left = with_named_fields(mentioned(pruned, shape), shape)
    gone = intersection(difference(there, left), with_named_fields(last, shape))
    return without(merged, gone, shape)
