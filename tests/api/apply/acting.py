"""Managers that act on one object, as the registry would have them do."""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.api.apply.applying import adopted, apply
from strongroom.api.apply.owners import Owners, applier, decode, encode, updater
from strongroom.api.apply.shape import shape_of
from strongroom.api.apply.tracking import Terms, track
from strongroom.api.schema import Struct
from strongroom.resources.pod import Pod

Tree = dict[str, Any]


class Acting:
    """An object and its owners; each act is a second later than the one before."""

    def __init__(self, struct: type[Struct] = Pod, ignored: Tree | None = None) -> None:
        self.struct = struct
        self.shape = shape_of(struct)
        self.ignored = ignored or {}
        self.empty = codec.to_tree(struct())
        self.tree: Tree = self.empty
        self.owners: Owners = {}
        self.seconds = 0

    def terms(self) -> Terms:
        self.seconds += 1
        now = f"2026-01-01T00:{self.seconds // 60:02}:{self.seconds % 60:02}Z"
        return Terms(self.shape, "v1", now, self.ignored)

    def update(self, name: str, tree: Tree, subresource: str = "") -> None:
        new = codec.to_tree(codec.from_tree(tree, self.struct))
        manager = updater(name, "v1", subresource)
        self.owners = track(self.terms(), self.tree, new, self.owners, manager)
        self.tree = new

    def apply(self, name: str, config: Tree, *, force: bool = False) -> None:
        terms = self.terms()
        owners = adopted(terms, self.tree, self.empty, self.owners)
        done = apply(terms, self.tree, config, owners, applier(name), force=force)
        self.tree = codec.to_tree(codec.from_tree(done.tree, self.struct))
        self.owners = decode(encode(done.owners))

    def owned(self, name: str) -> Tree:
        """The fields of a manager, of whatever operation."""
        found = [owned.fields for manager, owned in self.owners.items() if manager.name == name]
        assert len(found) <= 1
        return found[0] if found else {}
