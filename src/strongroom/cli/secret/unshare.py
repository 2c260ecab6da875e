"""`strongroom secret unshare`: take a Secret back from other namespaces, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, people_options
from strongroom.cli.secret.sharing import Target, grants_of, remove_target, targets, told_target

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secretgrant import SecretGrant


@click.command("unshare")
@click.argument("name")
@people_options
@click.option(
    "--to",
    "to",
    metavar="NS[/ACCOUNT]",
    multiple=True,
    callback=targets,
    help="From this namespace, or service account of it, only; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Let the server check it, and store nothing.")
def command(people: People, name: str, to: list[Target], dry_run: bool) -> None:
    """Share Secret NAME no longer: with anybody, or with those that are named.

    Nodes are given it no more with their next request, and remove its files from pods that run.
    What a program has read, or was given in its environment, it has: change the value as well.

    \b
    Examples:
      strongroom secret unshare db
      strongroom secret unshare db --to shop
    """
    namespace = people.namespace
    changed = people.run(lambda client: _unshare(client, namespace, name, to, dry_run))
    if not changed:
        whom = f" with {', '.join(map(told_target, to))}" if to else ""
        raise Failure(f"secret {name} of namespace {namespace} is not shared{whom}")
    for called, gone in changed:
        how = "deleted" if gone else "changed"
        people.say(f"grant {called} {how}" + " (dry run)" * dry_run)


async def _unshare(
    client: Client, namespace: str, name: str, to: list[Target], dry_run: bool
) -> list[tuple[str, bool]]:
    """Write what changes; the names of the grants, and whether they are gone."""
    from strongroom.resources.secretgrant import SECRET_GRANTS

    grants = [g for g in await grants_of(client, namespace) if _names(g, name)]
    changed = [grant for grant in grants if _without(grant, name, to)]
    told = []
    for grant in changed:
        called = grant.metadata.name
        gone = not (grant.spec.secrets and grant.spec.to)
        if gone:
            uid = grant.metadata.uid
            await client.delete(SECRET_GRANTS, called, namespace, uid=uid, dry_run=dry_run)
        else:
            await client.update(SECRET_GRANTS, grant, dry_run=dry_run)
        told.append((called, gone))
    return told


def _names(grant: SecretGrant, name: str) -> bool:
    return any(secret.name == name for secret in grant.spec.secrets)


def _without(grant: SecretGrant, name: str, to: list[Target]) -> bool:
    """Take a Secret, or some who are given it, out of a grant; whether it changes.

    Raises Failure where it gives those other Secrets too.
    """
    spec = grant.spec
    if not to:
        spec.secrets = [secret for secret in spec.secrets if secret.name != name]
        return True
    found = [remove_target(spec.to, target) for target in to]
    if any(found) and len(spec.secrets) > 1:
        raise Failure(
            f"grant {grant.metadata.name} gives other Secrets too; say what is to become of them: "
            f"kubectl edit secretgrant {grant.metadata.name} -n {grant.metadata.namespace}"
        )
    return any(found)
