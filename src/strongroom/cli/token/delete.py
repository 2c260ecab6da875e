"""`strongroom token delete`: bootstrap tokens that are of no use from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client


@click.command("delete")
@cluster_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def command(people: People, ids: tuple[str, ...]) -> None:
    """Delete bootstrap tokens; ID is the part before the dot, a whole token will do.

    \b
    Examples:
      strongroom token delete abcdef
    """
    from strongroom.resources.bootstrap_token import is_token_id, parse_token

    wanted = []
    for text in ids:
        parts = parse_token(text)
        if parts is None and not is_token_id(text):
            # The text is not told: it may be a token with one letter wrong.
            raise click.UsageError("expected ids of tokens, such as abcdef, or whole tokens")
        wanted.append(parts[0] if parts else text)

    async def remove(client: Client) -> None:
        from strongroom.api.errors import StatusError
        from strongroom.resources.bootstrap_token import NAMESPACE, secret_name
        from strongroom.resources.secret import SECRETS

        for token_id in wanted:
            try:
                await client.delete(SECRETS, secret_name(token_id), NAMESPACE)
            except StatusError as error:
                if error.code != 404:
                    raise
                raise Failure(
                    f"there is no bootstrap token {token_id}\n"
                    "See what there is: strongroom token list"
                ) from error
            people.say(f'bootstrap token "{token_id}" deleted')

    people.run(remove)
