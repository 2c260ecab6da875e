"""A part of a Secret, for those who may see no more: its metadata, or some of its keys.

Whatever is not shown is not in the object any more, so that no form of an answer can give it away.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from strongroom.api.apply.last_applied import ANNOTATION
from strongroom.api.meta import ManagedFieldsEntry
from strongroom.resources.secret import Secret

MOST_SEARCHED = 32 * 1024 * 1024
"""Characters of annotations times keys that are looked for in them: some ten milliseconds."""

_DATA = ("f:data", "f:stringData")
_NOTHING: frozenset[str] = frozenset()


def keep_metadata(secret: Secret) -> None:
    """Take out the values, which leaves their number, and what names keys in the bookkeeping.

    What people say in annotations stays. What `kubectl apply` keeps in one is for those who write,
    and may hold values where another server stored it.
    """
    secret.data = dict.fromkeys(secret.data, b"")
    secret.stringData = {}
    secret.metadata.annotations.pop(ANNOTATION, None)
    _limit_owners(secret, _NOTHING, {ANNOTATION}, drop=False)


def keep_keys(secret: Secret, shown: Container[str]) -> None:
    """Take out every key but those shown, and whatever names one of the others.

    An annotation is taken out that has the name of a key which is not shown anywhere in it.
    """
    hidden = [key for key in secret.data if key not in shown]
    secret.data = {key: value for key, value in secret.data.items() if key in shown}
    secret.stringData = {}
    annotations = secret.metadata.annotations
    out = {ANNOTATION} & annotations.keys() | _mentioning(annotations, hidden)
    for name in out:
        del annotations[name]
    _limit_owners(secret, shown, out | {ANNOTATION}, drop=True)


def _mentioning(annotations: dict[str, str], keys: list[str]) -> set[str]:
    """The annotations with any of these names in them; all, where that would take too long."""
    size = sum(len(name) + len(text) for name, text in annotations.items())
    if size * len(keys) > MOST_SEARCHED:
        return set(annotations)
    return {
        name
        for name, text in annotations.items()
        if any(key in name or key in text for key in keys)
    }


def _limit_owners(secret: Secret, shown: Container[str], out: set[str], *, drop: bool) -> None:
    """Forget who owns what is not shown; with ``drop`` also who owns no more than such keys."""
    entries = [
        entry
        for entry in secret.metadata.managedFields or ()
        if _limited(entry, shown, out, drop=drop)
    ]
    secret.metadata.managedFields = entries or None


def _limited(
    entry: ManagedFieldsEntry, shown: Container[str], out: set[str], *, drop: bool
) -> bool:
    """Limit one entry; whether anything is left of it."""
    fields = entry.fieldsV1
    if not isinstance(fields, dict):
        return False
    for part in _DATA:
        if part in fields:
            fields[part] = _named(fields[part], shown)
            if drop and not fields[part]:
                del fields[part]
    meta = fields.get("f:metadata")
    if isinstance(meta, dict) and isinstance(meta.get("f:annotations"), dict):
        owned = meta["f:annotations"]
        for name in out:
            owned.pop(f"f:{name}", None)
    return bool(fields)


def _named(owned: Any, shown: Container[str]) -> dict[str, Any]:
    if not isinstance(owned, dict):
        return {}
    return {
        field: below
        for field, below in owned.items()
        if field.startswith("f:") and field.removeprefix("f:") in shown
    }
