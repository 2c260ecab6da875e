"""`strongroom secret refer`: a reference, by which pods use a Secret of another namespace."""

from __future__ import annotations

import click

from strongroom.cli.people import People, people_options


@click.command("refer")
@click.argument("origin", metavar="NS/NAME")
@people_options
@click.option(
    "--name", "called", metavar="NEW", default="", help="Name of the reference. [default: NAME]"
)
@click.option("--dry-run", is_flag=True, help="Let the server check it, and store nothing.")
def command(people: People, origin: str, called: str, dry_run: bool) -> None:
    """Make a reference to Secret NAME of namespace NS, for pods to name as any Secret.

    It holds no values, and gives some to pods while the owner shares the Secret with their
    namespace. Making it tells nothing: neither whether it is shared, nor whether it is there.

    \b
    Examples:
      strongroom secret refer vault/db
      strongroom secret refer vault/db -n shop --name database
    """
    from strongroom.resources.secret import SECRETS, Secret
    from strongroom.resources.secret_reference import FROM, REFERENCE, target_of

    target = target_of({FROM: origin})
    if target is None:
        raise click.UsageError(f"{origin!r} is not NAMESPACE/NAME of a Secret")
    namespace, called = people.namespace, called or target[1]
    reference = Secret(type=REFERENCE)
    reference.metadata.name = called
    reference.metadata.annotations = {FROM: origin}
    people.run(lambda client: client.create(SECRETS, reference, namespace, dry_run=dry_run))
    people.say(f"secret {called} refers to {origin}" + " (dry run)" * dry_run)
