"""``metadata.managedFields``, decoded and encoded.

An owner is a manager together with what it does and by which path: the same name owns apart what
it applied, what it updated and what it wrote through a subresource.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from strongroom.api.apply.fieldset import Fields, FieldsError, read
from strongroom.api.apply.fieldset import union as union_of
from strongroom.api.gotext import quote
from strongroom.api.meta import ManagedFieldsEntry

APPLY, UPDATE = "Apply", "Update"
UNKNOWN = "unknown"
MAX_UPDATERS = 10
"""An object keeps at most so many entries of updates; the oldest are put together."""
ANCIENT = "ancient-changes"

_FIELDS_TYPE = "FieldsV1"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who owns fields. ``version`` is the API version of an update; an apply has none."""

    name: str
    operation: str
    version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """The manager as conflicts name it."""
        text = quote(self.name)
        if self.subresource:
            text += f" with subresource {quote(self.subresource)}"
        return f"{text} using {self.version}" if self.operation == UPDATE else text


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields of one owner, the version in which they are meant, and when they last changed."""

    fields: Fields
    version: str
    time: str = ""


Owners = dict[Manager, Owned]


def updater(name: str, version: str, subresource: str = "") -> Manager:
    """The owner of what a create, update or patch changes."""
    return Manager(name or UNKNOWN, UPDATE, version, subresource)


def applier(name: str, subresource: str = "") -> Manager:
    """The owner of what an apply sets."""
    return Manager(name or UNKNOWN, APPLY, "", subresource)


def decode(entries: Iterable[ManagedFieldsEntry]) -> Owners:
    """The owners that managedFields tell of. Raises FieldsError when they cannot be understood."""
    owners: Owners = {}
    for i, entry in enumerate(entries):
        if entry.operation not in (APPLY, UPDATE):
            raise FieldsError("operation must be `Apply` or `Update`")
        if not entry.apiVersion:
            raise FieldsError("apiVersion must not be empty")
        if not entry.fieldsType:
            raise FieldsError(f"missing fieldsType in managed fields entry {i}")
        if entry.fieldsType != _FIELDS_TYPE:
            kind = quote(entry.fieldsType)
            raise FieldsError(f"invalid fieldsType {kind} in managed fields entry {i}")
        version = entry.apiVersion if entry.operation == UPDATE else ""
        manager = Manager(entry.manager, entry.operation, version, entry.subresource)
        fields = read({} if entry.fieldsV1 is None else entry.fieldsV1)
        owners[manager] = Owned(fields, entry.apiVersion, entry.time)
    return owners


def encode(owners: Owners) -> list[ManagedFieldsEntry]:
    """The entries in upstream's order: applies first, then by time and name."""
    entries = [
        ManagedFieldsEntry(
            manager=manager.name,
            operation=manager.operation,
            apiVersion=owned.version,
            time=owned.time,
            fieldsType=_FIELDS_TYPE,
            fieldsV1=owned.fields,
            subresource=manager.subresource,
        )
        for manager, owned in owners.items()
    ]
    if len(entries) > 1:
        entries.sort(key=lambda e: (e.operation, e.time, e.manager, e.apiVersion, e.subresource))
    return entries


def is_reset(entries: list[ManagedFieldsEntry] | None) -> bool:
    """Whether a request asks to forget all owners: by an empty list, or by one empty entry."""
    return entries is not None and (not entries or entries == [ManagedFieldsEntry()])


def capped(owners: Owners) -> Owners:
    """Owners with the oldest updates put together while there are too many, version by version."""
    updates = [manager for manager in owners if manager.operation == UPDATE]
    left = len(updates)
    if left <= MAX_UPDATERS:
        return owners
    out = dict(owners)
    updates.sort(key=lambda m: (owners[m].time, m.name, m.version, m.subresource))
    first: dict[str, Manager] = {}
    for manager in updates:
        if left <= MAX_UPDATERS:
            break
        owned = owners[manager]
        if owned.version not in first:
            first[owned.version] = manager
            continue
        bucket = Manager(ANCIENT, UPDATE, owned.version)
        if bucket not in out:
            out[bucket] = out.pop(first[owned.version])
        out[bucket] = replace(owned, fields=union_of(owned.fields, out[bucket].fields))
        if manager != bucket:
            del out[manager]
        left -= 1
    return out
