"""Deletes what history holds of Secrets that are gone, for `strongroom compact`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.client.metadata import Metadata
    from strongroom.resources.resource import Resource


async def forget_revisions_of_deleted(client: Client) -> int:
    """Delete all revisions of Secrets that are not there; how many. Values are not asked for.

    Raises StatusError. A Secret that is made again meanwhile loses what is kept of the older one.
    """
    from strongroom.api.errors import StatusError
    from strongroom.resources.secret import SECRETS
    from strongroom.resources.secretrevision import SECRET_REVISIONS

    # The revisions first: what is deleted after this is listed stays.
    revisions = await _all(client, SECRET_REVISIONS)
    there = {(one.namespace, one.name) for one in await _all(client, SECRETS)}
    forgotten = 0
    for one in revisions:
        if (one.namespace, one.name.rpartition(".")[0]) in there:
            continue
        try:
            await client.delete(SECRET_REVISIONS, one.name, one.namespace, uid=one.uid)
            forgotten += 1
        except StatusError as error:
            if error.code not in (404, 409):
                raise
    return forgotten


async def _all(client: Client, resource: Resource[Any]) -> list[Metadata]:
    from strongroom.client.metadata import MetadataCollection
    from strongroom.client.paths import path_of

    collection = MetadataCollection(client, path_of(resource))
    found, token = [], ""
    while True:
        page = await collection.list(500, token)
        found += [item.metadata for item in page.items]
        token = page.continue_token
        if not token:
            return found
