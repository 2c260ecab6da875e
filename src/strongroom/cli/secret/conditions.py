"""What `strongroom secret list` tells of a Secret's times, from metadata and from SecretUsages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from strongroom.api.errors import StatusError
from strongroom.api.meta import ManagedFieldsEntry, ObjectMeta
from strongroom.api.times import format_time
from strongroom.client.secret_following import value_end
from strongroom.resources.secret_expiry import Facts, conditions, facts_of_metadata
from strongroom.resources.secretusage import SECRET_USAGES

if TYPE_CHECKING:
    from strongroom.cli.secret.list import Listed
    from strongroom.client.client import Client


def told_by(meta: dict[str, Any]) -> Facts:
    """What the metadata of a row tells."""
    known = ObjectMeta(
        creationTimestamp=meta["creationTimestamp"],
        annotations=meta.get("annotations") or {},
        managedFields=[
            ManagedFieldsEntry(time=entry.get("time") or "", fieldsV1=entry.get("fieldsV1"))
            for entry in meta.get("managedFields") or ()
        ],
    )
    return facts_of_metadata(known)


async def tell_ends(client: Client, secrets: list[Listed], namespace: str) -> None:
    """Add the ends that a server of strongroom's tells of values. Others tell none."""
    try:
        page = await client.list(SECRET_USAGES, namespace)
    except StatusError as error:
        if error.code not in (403, 404):
            raise
        return
    ends = {
        (u.metadata.namespace, u.metadata.name): value_end(
            u.expiresAt, u.expiresWhat, u.expiresFrom
        )
        for u in page.items
    }
    for secret in secrets:
        end = ends.get((secret.namespace, secret.name))
        if end is not None and secret.facts is not None:
            secret.facts = replace(secret.facts, of_values=end)


def conditions_of(secret: Listed) -> list[str]:
    """What people should know of a Secret."""
    found = conditions(secret.facts, datetime.now(UTC)) if secret.facts is not None else []
    return [*found, "Immutable"] if secret.immutable else found


def condition_facts(secret: Listed) -> dict[str, Any]:
    """The same for programs."""
    facts: dict[str, Any] = {"conditions": conditions_of(secret)}
    if secret.facts is not None:
        facts["changed"] = format_time(secret.facts.changed)
        if (end := secret.facts.expiry) is not None:
            facts |= {"expires": format_time(end.at), "expiresFrom": end.path}
        if (due := secret.facts.due) is not None:
            facts["rotationDue"] = format_time(due)
    return facts
