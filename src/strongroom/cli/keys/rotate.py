"""`strongroom keys rotate`: a new key, and everything stored anew under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.keys.asking import ask, emit, rate_option, rewrap, tell_end
from strongroom.cli.output import output_option
from strongroom.cli.people import People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.encryptionoperation import EncryptionOperationStatus


@click.command("rotate")
@cluster_options
@rate_option
@click.option("--no-rewrap", is_flag=True, help="Leave what is stored under the old key.")
@output_option
def command(people: People, rate: int, no_rewrap: bool, output: str) -> None:
    """Make a new key, write with it from now on, and store everything anew under it.

    The server serves all the while. When it or this command is killed, the server goes on with
    the work at its next start; `strongroom keys status` tells how far it is. The old key stays in
    the key file, for what is still under it, until `strongroom keys prune`.

    \b
    Examples:
      strongroom keys rotate
      strongroom keys rotate --rate 100
      strongroom keys rotate --no-rewrap
    """

    async def work(client: Client) -> EncryptionOperationStatus:
        from strongroom.resources.encryptionoperation import ROTATE, EncryptionOperationSpec

        status = await ask(client, EncryptionOperationSpec(action=ROTATE))
        # Told before all is stored anew, which may take long and be interrupted.
        told = f"new key {status.newKeyID}; back up the key file, which has changed"
        people.say(told, err=output != "text")
        if no_rewrap:
            return status
        done = await rewrap(people, client, rate)
        done.newKeyID = status.newKeyID
        return done

    status = people.run(work)
    if no_rewrap and output != "text":
        emit(people, status, output)
    elif no_rewrap:
        people.say("What is stored stays under the old key until: strongroom keys rewrap")
    else:
        tell_end(people, status, output)
