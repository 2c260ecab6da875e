"""`strongroom token list`: which bootstrap tokens there are, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret


@click.command("list")
@cluster_options
@output_option
def command(people: People, output: str) -> None:
    """List the bootstrap tokens by their ids, which are public; their secret parts are not told.

    \b
    Examples:
      strongroom token list
      strongroom token list -o json
    """

    async def gather(client: Client) -> list[Secret]:
        from strongroom.resources.bootstrap_token import NAMESPACE
        from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS

        found = await client.list(SECRETS, NAMESPACE, field_selector=f"type={BOOTSTRAP_TOKEN}")
        return found.items

    now = datetime.now(UTC)
    told = [_facts(secret, now) for secret in people.run(gather)]
    if output != "text":
        people.emit({"tokens": told}, output)
    elif told:
        headers = ("ID", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS")
        people.table(headers, [_row(facts, now) for facts in told])
    else:
        people.say("no bootstrap tokens")


def _facts(secret: Secret, now: datetime) -> dict[str, Any]:
    """What is told of a token: nothing of its secret."""
    from strongroom.resources import bootstrap_token as token

    groups = token.value(secret, token.GROUPS_KEY)
    return {
        "id": secret.metadata.name.removeprefix(token.PREFIX),
        "expires": token.value(secret, token.EXPIRATION_KEY),
        "expired": token.has_expired(secret, now),
        "usages": [usage for usage in token.USAGES if token.allows(secret, usage)],
        "description": token.value(secret, token.DESCRIPTION_KEY),
        "groups": groups.split(",") if groups else [],
    }


def _row(facts: dict[str, Any], now: datetime) -> tuple[str, ...]:
    from strongroom.api.table import human_duration
    from strongroom.api.times import parse_time

    left = "<forever>"
    if facts["expired"]:
        left = "<expired>"
    elif facts["expires"]:
        left = human_duration((parse_time(facts["expires"]) - now).total_seconds())
    return (
        facts["id"],
        left,
        facts["expires"] or "<never>",
        ",".join(facts["usages"]) or "<none>",
        facts["description"] or "<none>",
        ",".join(facts["groups"]) or "<none>",
    )
