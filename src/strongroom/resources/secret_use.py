"""Who uses a Secret: the kinds that may, the places at which they do, and whether they still do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.api.meta import Object
from strongroom.resources.references import Reference, secret_references

_ENDED_PODS = frozenset({"Succeeded", "Failed"})
_ENDED_JOBS = frozenset({"Complete", "Failed"})
_SETS = frozenset({"ReplicaSet", "ReplicationController"})


@dataclass(frozen=True, slots=True)
class Use:
    """One object that uses a Secret, and the first place at which it does.

    ``namespace`` is set where it is another one than the Secret's: then no more is told.
    """

    kind: str
    name: str
    path: str
    namespace: str = ""

    def __str__(self) -> str:
        if self.namespace:
            return f'{self.kind} of namespace "{self.namespace}"'
        return f'{self.kind} "{self.name}" ({self.path})'


def references_to_secrets(obj: Object) -> Iterator[Reference]:
    """The places at which an object names Secrets."""
    return (found for found in secret_references(obj) if found.kind == "Secret")


def use_of(kind: str, obj: Object, secret: str) -> Use | None:
    """How an object of a kind uses the Secret of this name in its namespace; None if it does not.

    What has ended uses nothing, even if it is still there to be looked at.
    """
    found = next((r for r in references_to_secrets(obj) if r.name == secret), None)
    if found is None or has_ended(kind, obj):
        return None
    return Use(kind, obj.metadata.name, str(found.path))


def has_ended(kind: str, obj: Any) -> bool:
    """Whether an object is there as a record only: a pod or a Job that ended, an old revision."""
    if kind == "Pod":
        return obj.status.phase in _ENDED_PODS
    if kind == "Job":
        return any(c.type in _ENDED_JOBS and c.status == "True" for c in obj.status.conditions)
    if kind in _SETS:
        # What a Deployment keeps of earlier revisions, to be able to go back.
        return obj.spec.replicas == 0 and any(o.controller for o in obj.metadata.ownerReferences)
    return False
