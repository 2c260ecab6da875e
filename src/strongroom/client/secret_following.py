"""Following when Secrets expire by their metadata: of each, its identity and a few times are kept.

No value is asked for, and of annotations none is kept but strongroom's own two: others may hold
values that somebody once applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from strongroom.api.meta import ManagedFieldsEntry, ObjectMeta
from strongroom.client.client import Client
from strongroom.client.metadata import Metadata, MetadataSource
from strongroom.client.paths import path_of
from strongroom.resources.secret import SECRETS
from strongroom.resources.secret_expiry import Expiry, Facts, facts_of_metadata
from strongroom.resources.strongroom_annotations import EXPIRES_AT, ROTATE_AFTER


@dataclass(frozen=True, slots=True)
class SecretTimes:
    """A Secret's identity and what its metadata tells of its times."""

    metadata: Metadata
    facts: Facts

    def with_end(self, of_values: Expiry | None) -> Facts:
        """The times with the end that somebody who sees the values has told."""
        told = self.facts
        return Facts(told.changed, told.annotated, of_values, told.rotate_after)


class _Annotations(msgspec.Struct):
    expires_at: str = msgspec.field(default="", name=EXPIRES_AT)
    rotate_after: str = msgspec.field(default="", name=ROTATE_AFTER)


class _Fields(msgspec.Struct):
    data: dict[str, Any] | None = msgspec.field(default=None, name="f:data")


class _Entry(msgspec.Struct):
    time: str = ""
    fieldsV1: _Fields | None = None


class _Metadata(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    creationTimestamp: str | None = ""
    annotations: _Annotations | None = None
    managedFields: list[_Entry] | None = None


class _Secret(msgspec.Struct):
    metadata: _Metadata


def secrets_by_metadata(client: Client) -> MetadataSource[_Secret, SecretTimes]:
    """All Secrets of a cluster, to be followed."""
    return MetadataSource(client, path_of(SECRETS), _Secret, _kept)


def _kept(secret: _Secret) -> SecretTimes:
    meta = secret.metadata
    told = meta.annotations or _Annotations()
    annotations = {EXPIRES_AT: told.expires_at, ROTATE_AFTER: told.rotate_after}
    entries = [
        ManagedFieldsEntry(time=entry.time, fieldsV1={"f:data": {}})
        for entry in meta.managedFields or ()
        if entry.fieldsV1 is not None and entry.fieldsV1.data is not None
    ]
    known = ObjectMeta(
        creationTimestamp=meta.creationTimestamp or "",
        annotations=annotations,
        managedFields=entries,
    )
    kept = Metadata(meta.name, meta.namespace, meta.uid, meta.resourceVersion)
    return SecretTimes(kept, facts_of_metadata(known))


def value_end(at: str, what: str, path: str) -> Expiry | None:
    """The end that a SecretUsage tells; None when it tells none."""
    return Expiry(datetime.fromisoformat(at), what, path) if at else None
