"""What the writers of custom objects are warned of."""

from __future__ import annotations

from strongroom.api.gotext import quote
from strongroom.api.meta import ObjectMeta
from strongroom.api.validation import qualified_name

_STANDARD = frozenset({"orphan", "foregroundDeletion", "kubernetes"})


def finalizer_warnings(new: ObjectMeta, old: ObjectMeta | None) -> list[str]:
    """Warnings about new finalizers that others might use too."""
    known = set(old.finalizers) if old is not None else set()
    texts = []
    for finalizer in sorted(set(new.finalizers) - known):
        start = f"metadata.finalizers: {quote(finalizer)}: "
        texts += [start + problem for problem in qualified_name(finalizer)]
        if "/" in finalizer or finalizer in _STANDARD:
            continue
        path = " including a path (/)" if "." in finalizer else ""
        texts.append(
            f"{start}prefer a domain-qualified finalizer name{path} to avoid accidental "
            "conflicts with other finalizer writers"
        )
    return texts
