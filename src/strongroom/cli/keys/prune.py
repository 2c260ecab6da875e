"""`strongroom keys prune`: keys that nothing is stored under are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.keys.asking import ask, emit
from strongroom.cli.output import output_option
from strongroom.cli.people import People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.encryptionoperation import EncryptionOperationStatus


@click.command("prune")
@cluster_options
@click.argument("ids", nargs=-1, metavar="[KEY-ID]...")
@click.option("--dry-run", is_flag=True, help="Tell which would be forgotten.")
@output_option
def command(people: People, ids: tuple[str, ...], dry_run: bool, output: str) -> None:
    """Take keys out of the server's key file, for good; without ids, all that are unused.

    A key under which anything is stored stays, and one that the kept history needs; so does the
    key that writes. What was backed up under a forgotten key can be read with a backup of it only.

    \b
    Examples:
      strongroom keys prune
      strongroom keys prune local:5b1c… --dry-run
    """

    async def work(client: Client) -> EncryptionOperationStatus:
        from strongroom.resources.encryptionoperation import PRUNE, EncryptionOperationSpec

        spec = EncryptionOperationSpec(action=PRUNE, keyIDs=list(ids))
        return await ask(client, spec, dry_run=dry_run)

    status = people.run(work)
    if output != "text":
        emit(people, status, output)
        return
    for key_id in status.pruned:
        people.say(f"{key_id} {'would be forgotten' if dry_run else 'forgotten'}")
    for key in status.keys:
        if not key.writes and key.held and key.keyID not in status.pruned:
            under = f"{key.objects} values, {key.history} in the kept history"
            people.say(f"{key.keyID} stays: {under}")
    if not status.pruned:
        people.say("no key to forget")
