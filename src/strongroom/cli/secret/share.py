"""`strongroom secret share`: let pods of another namespace use a Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, people_options
from strongroom.cli.secret.sharing import EVERY, Target, add_target, grant_named, targets

if TYPE_CHECKING:
    from strongroom.client.client import Client


@click.command("share")
@click.argument("name")
@people_options
@click.option(
    "--to",
    "to",
    metavar="NS[/ACCOUNT]",
    multiple=True,
    required=True,
    callback=targets,
    help="Namespace, or one service account of it; may be repeated.",
)
@click.option("--key", "keys", metavar="KEY", multiple=True, help="Only this key; may be repeated.")
@click.option("--grant", metavar="GRANT", default="", help="Name of the grant. [default: NAME]")
@click.option("--dry-run", is_flag=True, help="Let the server check it, and store nothing.")
def command(
    people: People, name: str, to: list[Target], keys: tuple[str, ...], grant: str, dry_run: bool
) -> None:
    """Share Secret NAME with other namespaces: their pods may use it, by a reference.

    You need a right to get the Secret, and one to create secretgrants.strongroom.io. Whoever may
    make pods in the other namespace can read what you share; a reference is what they name.

    \b
    Examples:
      strongroom secret share db --to shop
      strongroom secret share db --to jobs/importer --key password --grant db-password
      strongroom secret refer vault/db -n shop         and over there, a reference to it
    """
    namespace, grant = people.namespace, grant or name
    told = people.run(
        lambda client: _share(client, namespace, name, to, sorted(keys) or [EVERY], grant, dry_run)
    )
    if not told:
        people.warn(f'there is no Secret "{name}" in namespace {namespace} yet')
    everybody = ", ".join(dict.fromkeys(where for where, _ in to))
    people.say(f"secret {name} shared with {everybody} (grant {grant})" + " (dry run)" * dry_run)
    if not dry_run:
        for where, _ in {target[0]: target for target in to}.values():
            people.say(
                f"There: strongroom secret refer {namespace}/{name} -n {where}, for pods to name",
                err=True,
            )


async def _share(
    client: Client,
    namespace: str,
    name: str,
    to: list[Target],
    keys: list[str],
    called: str,
    dry_run: bool,
) -> bool:
    """Write the grant; whether the Secret is there."""
    from strongroom.cli.secret.users import exists
    from strongroom.resources.secretgrant import SECRET_GRANTS, GrantedSecret, SecretGrant

    there = await exists(client, namespace, name)
    grant = await grant_named(client, namespace, called)
    wanted = [GrantedSecret(name, keys)]
    if grant is None:
        grant = SecretGrant()
        grant.metadata.name, grant.spec.secrets = called, wanted
    elif grant.spec.secrets != wanted:
        raise Failure(
            f"grant {called} is there, and gives something else\n"
            "Look at it: strongroom secret shares; and name another: --grant"
        )
    for target in to:
        add_target(grant.spec.to, target)
    if grant.metadata.resourceVersion:
        await client.update(SECRET_GRANTS, grant, dry_run=dry_run)
    else:
        await client.create(SECRET_GRANTS, grant, namespace, dry_run=dry_run)
    return there
