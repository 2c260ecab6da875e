"""Hands what a cache holds to whoever keeps an index of it: now, and with every later change.

A cache tells each change in the step in which it shows it, so an index is as new as a read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from strongroom.registry.registry import Registry
from strongroom.registry.view import AnyView
from strongroom.storage.cache import Cached, Change
from strongroom.storage.port import EventType

TakeView = Callable[[str, str, AnyView | None], None]
"""Takes namespace, name and view; None for one that is gone, or whose value cannot be read."""

TakeObject = Callable[[str, str, Any], None]
"""The same with the object, which it may look at and not change."""


def follow_views(registry: Registry[Any], take: TakeView) -> None:
    """For those who decode few of the objects. ``take`` must be fast and must not fail."""
    names = registry.form.names

    def told(entry: Cached[AnyView] | Change[AnyView]) -> None:
        gone = isinstance(entry, Change) and entry.type is EventType.DELETE
        take(*names(entry.key), None if gone or entry.error is not None else entry.item)

    def changed(changes: Sequence[Change[AnyView]]) -> None:
        for change in changes:
            told(change)

    for entry in registry.cache.listen(changed):
        told(entry)


def follow_objects(registry: Registry[Any], take: TakeObject) -> None:
    """For those who look at every object. ``take`` must be fast and must not fail."""

    def taken(namespace: str, name: str, view: AnyView | None) -> None:
        take(namespace, name, None if view is None else view.peek())

    follow_views(registry, taken)
