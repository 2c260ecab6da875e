"""`strongroom keys rewrap`: everything stored anew under the present key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.keys.asking import rate_option, rewrap, tell_end
from strongroom.cli.output import output_option
from strongroom.cli.people import People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.encryptionoperation import EncryptionOperationStatus


@click.command("rewrap")
@cluster_options
@rate_option
@output_option
def command(people: People, rate: int, output: str) -> None:
    """Store anew what is in the clear, under an older key, or encrypted by another provider.

    What is under the present key already stays as it is. Each value that is stored anew gets a
    new revision; whoever watches sees it as a change that changed nothing.

    \b
    Examples:
      strongroom keys rewrap
      strongroom keys rewrap --rate 100
    """

    async def work(client: Client) -> EncryptionOperationStatus:
        return await rewrap(people, client, rate)

    tell_end(people, people.run(work), output)
