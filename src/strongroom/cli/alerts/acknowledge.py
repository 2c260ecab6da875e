"""`strongroom alerts acknowledge`: says that somebody has seen to some alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.people import People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secretalert import SecretAlert


@click.command("acknowledge")
@people_options
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--note", metavar="TEXT", default="", help="What there is to say of it.")
def command(people: People, names: tuple[str, ...], note: str) -> None:
    """Acknowledge alerts: they are no longer open. The server writes down who did, and when.

    \b
    Examples:
      strongroom alerts acknowledge many-secrets-3f2a9c1b
      strongroom alerts acknowledge first-read-91d2c0aa --note "the new billing job"
    """
    namespace = people.namespace

    async def acknowledge(client: Client) -> list[SecretAlert]:
        from strongroom.cli.alerts.finding import find_alert
        from strongroom.resources.secretalert import SECRET_ALERTS

        there = bool(people.asked_namespace)
        found = [await find_alert(client, name, namespace, only_there=there) for name in names]
        patch = {"status": {"acknowledgement": {"note": note}}}
        return [
            await client.patch(
                SECRET_ALERTS,
                alert.metadata.name,
                alert.metadata.namespace,
                patch,
                subresource="status",
            )
            for alert in found
        ]

    for alert in people.run(acknowledge):
        given = alert.status.acknowledgement
        by = given.by if given is not None else ""
        people.say(f"{alert.metadata.namespace}/{alert.metadata.name} acknowledged by {by}")
