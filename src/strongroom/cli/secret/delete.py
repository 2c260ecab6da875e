"""`strongroom secret delete`: delete a Secret, the one that is meant and no other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client


@click.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@people_options
@click.option(
    "--force", is_flag=True, help="Also where the namespace refuses it because it is in use."
)
@click.option("--dry-run", is_flag=True, help="Let the server check it, and delete nothing.")
def command(people: People, names: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """Delete Secrets. strongroom warns of those in use; a namespace may have it refuse them.

    --force says in the Secret that it may go (annotation strongroom.io/allow-deletion) and then
    deletes it. Other clusters have no such guard, and delete at once.

    \b
    Examples:
      strongroom secret delete old-password
      strongroom secret delete db --force
    """
    namespace, failed = people.namespace, False
    for name in dict.fromkeys(names):
        try:
            people.run(partial(_delete, namespace, name, force, dry_run))
        except Failure as failure:
            failure.show()  # the others go all the same, as with kubectl
            failed = True
            continue
        people.say(f"secret {name} deleted from namespace {namespace}" + " (dry run)" * dry_run)
    if failed:
        raise click.exceptions.Exit(Failure.exit_code)


async def _delete(namespace: str, name: str, force: bool, dry_run: bool, client: Client) -> None:
    """Delete the Secret that is there now, and not one that takes its place meanwhile."""
    from strongroom.client.client import Patch
    from strongroom.client.metadata import get_metadata, patch_at
    from strongroom.client.paths import path_of
    from strongroom.resources.secret import SECRETS
    from strongroom.resources.strongroom_annotations import ALLOW_DELETION

    path = path_of(SECRETS, namespace, name)
    uid = (await get_metadata(client, path)).uid
    if force and not dry_run:
        allowed = {"metadata": {"uid": uid, "annotations": {ALLOW_DELETION: "true"}}}
        await patch_at(client, path, allowed, Patch.MERGE)
    await client.delete(SECRETS, name, namespace, uid=uid, dry_run=dry_run)
