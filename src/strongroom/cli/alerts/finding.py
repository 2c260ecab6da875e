"""Finds an alert by its name, which no other alert has, wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.api.errors import StatusError
from strongroom.cli.people import Failure
from strongroom.resources.secretalert import SECRET_ALERTS, SecretAlert

if TYPE_CHECKING:
    from strongroom.client.client import Client


async def find_alert(client: Client, name: str, namespace: str, *, only_there: bool) -> SecretAlert:
    """The alert in ``namespace``, else in any other unless it is ``only_there``.

    Raises Failure, StatusError.
    """
    try:
        return await client.get(SECRET_ALERTS, name, namespace)
    except StatusError as error:
        if only_there or error.code not in (403, 404):
            raise
        found = await client.list(SECRET_ALERTS, field_selector=f"metadata.name={name}")
        if not found.items:
            raise Failure(
                f'there is no alert "{name}"\nSee what there is: strongroom alerts -A'
            ) from error
        return found.items[0]
