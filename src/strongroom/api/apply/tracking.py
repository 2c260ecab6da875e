"""What a create, update or patch does to owners: whoever changes a field owns it.

Fields that are gone have no owner; fields that were changed lose all owners but the one that
changed them. Owners are compared with the object before, so a request that says what is there
already takes nothing over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from strongroom.api.apply.conflicts import Conflicts
from strongroom.api.apply.fieldset import Fields, difference, intersection, recursive_difference
from strongroom.api.apply.fieldset import union as union_of
from strongroom.api.apply.owners import Manager, Owned, Owners, capped
from strongroom.api.apply.ownership import Comparison, compare
from strongroom.api.apply.shape import Form, Shape

Tree = dict[str, Any]


def _members(*names: str) -> Fields:
    return {f"f:{name}": {} for name in names}


STRIPPED: Fields = {
    **_members("apiVersion", "kind"),
    "f:metadata": {
        ".": {},
        **_members(
            "clusterName",
            "creationTimestamp",
            "generation",
            "managedFields",
            "name",
            "namespace",
            "resourceVersion",
            "selfLink",
            "uid",
        ),
    },
}
"""What nobody ever owns."""
_NAMES = frozenset(name[2:] for name in STRIPPED)
_META_NAMES = frozenset(name[2:] for name in STRIPPED["f:metadata"])


@dataclass(slots=True)
class Terms:
    """What a request's ownership is reckoned by.

    ``shape`` is the kind's, ``version`` its API version, ``ignored`` what the request's path cannot
    change (``status``, say), ``now`` the time of the request in the wire's form.
    """

    shape: Shape
    version: str
    now: str
    ignored: Fields


def track(terms: Terms, old: Tree, new: Tree, owners: Owners, manager: Manager) -> Owners:
    """The owners after ``manager`` has made ``new`` of ``old``. Raises FieldsError."""
    comparison = compare(old, new, terms.shape).without(terms.ignored)
    out = losses(reconciled(terms, owners), comparison, None, force=True) if owners else {}
    gained = difference(comparison.changed(), STRIPPED)
    if gained:
        before = out.get(manager)
        fields = union_of(gained, before.fields) if before else gained
        out[manager] = Owned(fields, terms.version, terms.now)
    return capped(out)


def ownable(tree: Tree) -> Tree:
    """An object's tree without what nobody ever owns. It shares the rest with the one given."""
    out = {n: value for n, value in tree.items() if n not in _NAMES or n == "metadata"}
    meta = tree.get("metadata")
    if isinstance(meta, dict):
        out["metadata"] = {n: value for n, value in meta.items() if n not in _META_NAMES}
    return out


def losses(owners: Owners, comparison: Comparison, self: Manager | None, *, force: bool) -> Owners:
    """What is left to the owners other than ``self``. Raises Conflicts unless ``force``."""
    changed = comparison.changed()
    conflicts = {}
    if changed:
        for manager, owned in owners.items():
            if manager != self and (lost := intersection(owned.fields, changed)):
                conflicts[manager] = lost
    if conflicts and not force:
        raise Conflicts(conflicts)
    out = {}
    for manager, owned in owners.items():
        fields = owned.fields
        if manager != self:
            if manager in conflicts:
                fields = difference(fields, conflicts[manager])
            if comparison.removed:
                fields = difference(fields, comparison.removed)
        if fields:
            out[manager] = owned if fields is owned.fields else replace(owned, fields=fields)
    return out


def reconciled(terms: Terms, owners: Owners) -> Owners:
    """Owners in terms of the present schema: those of versions that are gone are dropped, and
    what has become atomic since is owned as one.
    """
    out = {}
    for manager, owned in owners.items():
        if owned.version == terms.version:
            fields = _reconciled(owned.fields, terms.shape)
            out[manager] = owned if fields is owned.fields else replace(owned, fields=fields)
    return out


def _reconciled(fields: Fields, shape: Shape) -> Fields:
    """The same set object when nothing was to be done, which is the usual case."""
    if shape.form is Form.ANY:
        # Nothing was declared of it, so nothing can have changed.
        return fields
    find: Callable[[str], Shape | None]
    if shape.form in (Form.RECORD, Form.MAP):
        find = _named(shape)
    else:
        find = _listed(shape)
    changed: Fields = {}
    for element, node in fields.items():
        if not node or element == "." or (inner := find(element)) is None:
            continue
        below: Fields = {} if inner.form is Form.LEAF else _reconciled(node, inner)
        if below is not node:
            changed[element] = below
    return {**fields, **changed} if changed else fields


def _named(shape: Shape) -> Callable[[str], Shape | None]:
    return lambda element: shape.field(element[2:]) if element.startswith("f:") else None


def _listed(shape: Shape) -> Callable[[str], Shape | None]:
    return lambda element: shape.item


def ignoring(fields: Fields, ignored: Fields) -> Fields:
    """A set without what a path cannot change."""
    return recursive_difference(fields, ignored) if ignored else fields
