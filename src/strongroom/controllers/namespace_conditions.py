"""Why the deletion of a namespace takes long, as conditions of its status.

Pure. Types, reasons and messages are those of ``pkg/controller/namespace/deletion``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from strongroom.api.times import format_time
from strongroom.client.discovery import Kind
from strongroom.resources.namespace import NamespaceCondition


class _Type(NamedTuple):
    """A condition, and what it says when all is well."""

    name: str
    reason: str
    message: str


_REMOVED = ("ContentRemoved", "All content successfully removed")
_TYPES = (
    _Type(
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    _Type(
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    _Type(
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    _Type("NamespaceContentRemaining", *_REMOVED),
    _Type("NamespaceFinalizersRemaining", *_REMOVED),
)


@dataclass(slots=True)
class Findings:
    """What a turn of deleting a namespace's content came to.

    ``undiscovered`` are versions of groups of which the server knows nothing, ``failures`` what
    went wrong; ``remaining`` counts objects by kind, ``finalizers`` what holds them.
    """

    undiscovered: tuple[str, ...] = ()
    failures: list[str] = field(default_factory=list)
    remaining: Counter[Kind] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether the namespace is empty, for sure."""
        return not (self.undiscovered or self.failures or self.remaining)


def conditions_after(
    present: Iterable[NamespaceCondition], findings: Findings, now: datetime
) -> list[NamespaceCondition]:
    """The conditions of a namespace after a turn; those that are not ours stay as they are."""
    conditions = list(present)
    found = _troubles(findings)
    for kind in _TYPES:
        reason, message = found.get(kind.name, (kind.reason, kind.message))
        status = "True" if kind.name in found else "False"
        old = next((c for c in conditions if c.type == kind.name), None)
        since = format_time(now)
        if old is not None and old.status == status:
            since = old.lastTransitionTime
        new = NamespaceCondition(
            type=kind.name, status=status, lastTransitionTime=since, reason=reason, message=message
        )
        if old is None:
            conditions.append(new)
        else:
            conditions[conditions.index(old)] = new
    return conditions


def _troubles(findings: Findings) -> dict[str, tuple[str, str]]:
    """Reasons and messages of the conditions that hold."""
    found = {}
    if findings.undiscovered:
        failing = (f"{v}: stale GroupVersion discovery: {v}" for v in findings.undiscovered)
        why = f"unable to retrieve the complete list of server APIs: {', '.join(failing)}"
        text = f"Discovery failed for some groups, {len(findings.undiscovered)} failing: {why}"
        found["NamespaceDeletionDiscoveryFailure"] = ("DiscoveryFailed", text)
    if findings.failures:
        told = ", ".join(sorted(findings.failures))
        text = f"Failed to delete all resource types, {len(findings.failures)} remaining: {told}"
        found["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", text)
    if findings.remaining:
        each = sorted(
            f"{kind.plural}.{kind.group} has {count} resource instances"
            for kind, count in findings.remaining.items()
        )
        text = f"Some resources are remaining: {', '.join(each)}"
        found["NamespaceContentRemaining"] = ("SomeResourcesRemain", text)
    if findings.finalizers:
        each = sorted(
            f"{finalizer} in {count} resource instances"
            for finalizer, count in findings.finalizers.items()
        )
        text = f"Some finalizers are remaining: {', '.join(each)}"
        found["NamespaceFinalizersRemaining"] = ("SomeFinalizerRemain", text)
    return found
