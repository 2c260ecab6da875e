"""`strongroom secret rollback`: give a Secret the values back that it had."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import click

from strongroom.api.errors import StatusError
from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.change import Outcome
    from strongroom.cli.secret.past import State, Timeline
    from strongroom.client.client import Client


@click.command("rollback")
@click.argument("name")
@people_options
@click.option("--to", "wanted", metavar="REVISION", help="Which state. [default: the one before]")
@click.option("--dry-run", is_flag=True, help="Let the server check it all, and store nothing.")
@output_option
def command(people: People, name: str, wanted: str | None, dry_run: bool, output: str) -> None:
    """Give Secret NAME the values back that it had at a revision; its metadata stays.

    What it has now is kept as a revision in turn, so that a rollback can be rolled back. Where
    somebody changes the Secret at the same moment, nothing is written.

    \b
    Examples:
      strongroom secret rollback db --dry-run       what the last change took, and would come back
      strongroom secret rollback db
      strongroom secret rollback db --to 1207
    """
    from strongroom.cli.secret.change import tell
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.cli.secret.past import timeline

    namespace = people.namespace

    async def work(client: Client) -> tuple[Outcome, State]:
        past = await timeline(client, namespace, name)
        state = _chosen(past, wanted)
        return await _restore(client, past, state, dry_run=dry_run), state

    outcome, state = people.run(work)
    note = f"to revision {state.number}" + (" (dry run)" if dry_run else "")
    tell(people, outcome, Fingerprints(), output, note)


def _chosen(past: Timeline, wanted: str | None) -> State:
    """The state to go back to. Raises Failure."""
    if past.secret is None:
        raise Failure(
            f"secret {past.name} was deleted\nBring it back: strongroom secret undelete {past.name}"
        )
    if wanted is not None:
        return past.state(wanted)
    present = past.states[0]
    for state in past.states[1:]:
        if state.data != present.data:
            return state
    raise Failure(f"nothing else is kept of secret {past.name} than what it holds")


async def _restore(client: Client, past: Timeline, state: State, *, dry_run: bool) -> Outcome:
    """Write what is different. Raises StatusError and Failure."""
    from strongroom.cli.secret.change import Outcome
    from strongroom.resources.secret import SECRETS

    old, name = past.secret, past.name
    if old is None:
        raise Failure(f"secret {name} was deleted")
    again = f"delete it, then: strongroom secret undelete {name} --revision {state.number}"
    if state.type != old.type:
        raise Failure(
            f"secret {name} is of type {old.type}, revision {state.number} was of type "
            f"{state.type}: the type of a Secret cannot be changed\n"
            f"To have it all the same: {again}"
        )
    if old.immutable and state.data != old.data:
        raise Failure(
            f"secret {name} is immutable: its data cannot be changed\n"
            f"To have the other values all the same: {again}"
        )
    data: dict[str, str | None] = dict.fromkeys(old.data.keys() - state.data.keys())
    for key, value in state.data.items():
        if old.data.get(key) != value:
            data[key] = base64.b64encode(value).decode()
    if not data:
        return Outcome(old, old)
    body: dict[str, Any] = {"metadata": {"resourceVersion": old.metadata.resourceVersion}}
    try:
        new = await client.patch(
            SECRETS, name, past.namespace, {**body, "data": data}, dry_run=dry_run
        )
    except StatusError as error:
        if error.reason == "Conflict":
            raise Failure(
                f"secret {name} was changed by somebody else just now; nothing was written\n"
                f"Look at it and try again: strongroom secret history {name}"
            ) from error
        raise
    return Outcome(old, new)
