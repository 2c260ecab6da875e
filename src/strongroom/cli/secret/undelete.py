"""`strongroom secret undelete`: make a Secret again that was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.api.errors import StatusError
from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.change import Outcome
    from strongroom.cli.secret.past import State
    from strongroom.client.client import Client


@click.command("undelete")
@click.argument("name")
@people_options
@click.option(
    "--revision", "wanted", metavar="REVISION", help="Which state. [default: the last one]"
)
@click.option("--dry-run", is_flag=True, help="Let the server check it all, and store nothing.")
@output_option
def command(people: People, name: str, wanted: str | None, dry_run: bool, output: str) -> None:
    """Make Secret NAME again as it was when it was deleted: values, type, labels, annotations.

    It is a new Secret with a UID of its own, without the owners and finalizers of the old one. See
    what can be brought back: strongroom secret history

    \b
    Examples:
      strongroom secret undelete db
      strongroom secret undelete db --revision 1207 --dry-run
    """
    from strongroom.cli.secret.change import tell
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.cli.secret.past import timeline

    namespace = people.namespace

    async def work(client: Client) -> tuple[Outcome, State]:
        past = await timeline(client, namespace, name)
        if past.secret is not None:
            raise Failure(_there(name))
        state = past.state(wanted) if wanted is not None else past.states[0]
        return await _create(client, namespace, name, state, dry_run=dry_run), state

    outcome, state = people.run(work)
    note = f"from revision {state.number}" + (" (dry run)" if dry_run else "")
    tell(people, outcome, Fingerprints(), output, note)


async def _create(
    client: Client, namespace: str, name: str, state: State, *, dry_run: bool
) -> Outcome:
    from strongroom.cli.secret.change import Outcome
    from strongroom.resources.secret import SECRETS, Secret

    secret = Secret(data=state.data, type=state.type, immutable=state.immutable or None)
    secret.metadata.name = name
    secret.metadata.labels = state.labels
    secret.metadata.annotations = state.annotations
    try:
        made = await client.create(SECRETS, secret, namespace, dry_run=dry_run)
    except StatusError as error:
        if error.reason == "AlreadyExists":
            raise Failure(_there(name)) from error
        raise
    return Outcome(None, made)


def _there(name: str) -> str:
    return (
        f"secret {name} is there\n"
        f"To give it earlier values back: strongroom secret rollback {name} --to REVISION"
    )
