"""Warns who uses or writes a Secret whose value is, or soon will be, of no use any more.

Nothing is refused: an upstream-compatible cluster takes any annotation and any certificate. Who
writes is told at once, by the path of the field; no text holds a value.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.api.clock import Clock
from strongroom.api.custom import is_custom
from strongroom.api.meta import Object
from strongroom.resources.references import may_refer
from strongroom.resources.secret import Secret
from strongroom.resources.secret_expiry import Facts, annotation_problems, expiry_of
from strongroom.resources.secret_use import references_to_secrets


class SecretTimes(Protocol):
    """What this judge asks of the rest of the server."""

    def facts(self, namespace: str, name: str) -> Facts | None:
        """The times of a Secret, as the cache has it; None when there is no such Secret."""
        ...


class SecretUse:
    """Adds warnings to creations and updates. ``soon`` is how early an end is told."""

    name = "SecretUse"

    def __init__(self, times: SecretTimes, clock: Clock, soon: timedelta) -> None:
        self._times = times
        self._clock = clock
        self._soon = soon

    async def mutate(self, request: AdmissionRequest) -> None:
        """Changes nothing."""

    async def validate(self, request: AdmissionRequest) -> None:
        new, old = request.obj, request.old
        if request.attributes.subresource or new is None or request.operation == "DELETE":
            return
        if isinstance(new, Secret):
            if not isinstance(old, Secret) or _changes(new, old):
                self._warn_of(request, new)
        elif not is_custom(type(new)) and may_refer(type(new)) and _refers_anew(new, old):
            self._warn_of_used(request, new)

    def _warn_of(self, request: AdmissionRequest, secret: Secret) -> None:
        for problem in annotation_problems(secret.metadata):
            request.warn(problem)
        expiry, now = expiry_of(secret), self._clock.now()
        if expiry is not None and expiry.at <= now:
            request.warn(f"this Secret has {expiry.told(now)}")

    def _warn_of_used(self, request: AdmissionRequest, obj: Object) -> None:
        now, told = self._clock.now(), set()
        for found in references_to_secrets(obj):
            if found.name in told:
                continue
            told.add(found.name)
            facts = self._times.facts(request.namespace, found.name)
            if facts is None or facts.expiry is None:
                continue
            if facts.expires_within(now, self._soon):
                request.warn(f'{found.path}: Secret "{found.name}" {facts.expiry.told(now)}')


def _changes(new: Secret, old: Secret) -> bool:
    return new.data != old.data or new.metadata.annotations != old.metadata.annotations


def _refers_anew(new: Object, old: Object | None) -> bool:
    """Whether somebody means the references: a controller's note on the object is not such."""
    if old is None or getattr(new, "spec", None) != getattr(old, "spec", None):
        return True
    return set(references_to_secrets(new)) != set(references_to_secrets(old))
