"""`strongroom secret copy`: the same Secret in another namespace or on another cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from strongroom.cli.manifests import OF_THE_OBJECT
from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.change import Outcome, Wanted
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret


@click.command("copy")
@click.argument("name")
@people_options
@click.option(
    "--to-namespace", metavar="NS", default="", help="Namespace of the copy. [default: the same]"
)
@click.option("--to-context", metavar="NAME", default="", help="Context of the other cluster.")
@click.option("--to-kubeconfig", metavar="FILE", help="Kubeconfig of the other cluster.")
@click.option(
    "--name", "new_name", metavar="NEW", default="", help="Name of the copy. [default: the same]"
)
@click.option("--force", is_flag=True, help="Replace the data of a Secret that is there.")
@click.option("--dry-run", is_flag=True, help="Let the server check it all, and store nothing.")
@output_option
def command(
    people: People,
    name: str,
    to_namespace: str,
    to_context: str,
    to_kubeconfig: str | None,
    new_name: str,
    force: bool,
    dry_run: bool,
    output: str,
) -> None:
    """Copy Secret NAME: its data, type, labels and annotations, but not its owners.

    What is there already stays, unless it is the same or --force is given. The values pass through
    this process's memory only.

    \b
    Examples:
      strongroom secret copy registry --to-namespace shop
      strongroom secret copy web --to-context production --name web-tls
      strongroom secret copy db --to-namespace test --force --dry-run
    """
    from strongroom.cli.secret.change import tell
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.resources.secret import SECRETS, SERVICE_ACCOUNT_TOKEN

    namespace = people.namespace
    secret = people.run(lambda client: client.get(SECRETS, name, namespace))
    if secret.type == SERVICE_ACCOUNT_TOKEN:
        raise Failure(
            f"secret {name} holds the token of a service account, which is of no use elsewhere; "
            "make one there: kubectl create token"
        )
    target = _target(people, to_context, to_kubeconfig, to_namespace or namespace)
    copied = new_name or name
    same_place = (people.server, namespace) == (target.server, target.namespace)
    if same_place and copied == name:
        raise click.UsageError(
            "that is the Secret itself; say --to-namespace, --name, --to-context or --to-kubeconfig"
        )
    outcome = target.run(
        lambda client: _copy(client, target.namespace, copied, secret, force, dry_run)
    )
    tell(people, outcome, Fingerprints(), output, "(dry run)" if dry_run else "")


def _target(people: People, context: str, kubeconfig: str | None, namespace: str) -> People:
    """Who writes the copy: as who reads, unless it is another cluster."""
    if not context and not kubeconfig:
        return replace(people, asked_namespace=namespace)
    return People(kubeconfig or people.kubeconfig, context, namespace)


async def _copy(
    client: Client, namespace: str, name: str, secret: Secret, force: bool, dry_run: bool
) -> Outcome:
    from strongroom.cli.secret.change import store

    def wanted_of(old: Secret | None) -> Wanted:
        if old is not None and not force and (old.data, old.type) != (secret.data, secret.type):
            raise Failure(
                f"secret {name} is in namespace {namespace} already, with other data; "
                "--force replaces its data"
            )
        return _wanted(secret, old)

    return await store(client, namespace, name, wanted_of, dry_run=dry_run)


def _wanted(secret: Secret, old: Secret | None) -> Wanted:
    from strongroom.cli.secret.change import Wanted

    meta = secret.metadata
    kept = {k: text for k, text in meta.annotations.items() if not k.startswith(OF_THE_OBJECT)}
    return Wanted(
        data=secret.data,
        removed=frozenset(old.data if old else ()) - secret.data.keys(),
        type=secret.type,
        labels=dict(meta.labels),
        annotations=dict(kept),
        immutable=bool(secret.immutable),
    )
