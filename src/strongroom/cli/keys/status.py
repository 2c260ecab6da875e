"""`strongroom keys status`: which keys there are, and what is stored under each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.keys.asking import ask, key_text, rewrap_text
from strongroom.cli.output import output_option
from strongroom.cli.people import Found, People, cluster_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.encryptionoperation import EncryptionOperationStatus, KeyUse


@click.command("status")
@cluster_options
@click.option("--by-resource", is_flag=True, help="Tell it of each kind of objects.")
@click.option(
    "--check", is_flag=True, help="End with 3 if anything is in the clear or under an old key."
)
@output_option
def command(people: People, by_resource: bool, check: bool, output: str) -> None:
    """Tell under which keys everything is stored.

    OBJECTS are stored under a key now; HISTORY counts all versions that are kept until the next
    compaction, which need the key too.

    \b
    Examples:
      strongroom keys status
      strongroom keys status --by-resource
      strongroom keys status --check
    """

    async def gather(client: Client) -> EncryptionOperationStatus:
        from strongroom.resources.encryptionoperation import STATUS, EncryptionOperationSpec

        return await ask(client, EncryptionOperationSpec(action=STATUS))

    status = people.run(gather)
    if output != "text":
        from msgspec import to_builtins

        people.emit(to_builtins(status), output)
    elif by_resource:
        _tell_resources(people, status)
    else:
        _tell_keys(people, status)
    if check and any(_is_wrong(key) for key in status.keys):
        raise Found


def _is_wrong(key: KeyUse) -> bool:
    return bool(key.objects) and (not key.writes or key.scheme == "identity")


def _tell_keys(people: People, status: EncryptionOperationStatus) -> None:
    people.say(f"Encrypted by {status.provider}")
    rows = [
        (
            key_text(key),
            "yes" if key.writes else "no",
            "yes" if key.held else "MISSING",
            key.objects,
            key.history,
        )
        for key in status.keys
    ]
    people.table(("KEY", "WRITES", "HELD", "OBJECTS", "HISTORY"), rows)
    if text := rewrap_text(status.rewrap):
        people.say(text)


def _tell_resources(people: People, status: EncryptionOperationStatus) -> None:
    rows = [(use.resource, key_text(use), use.objects) for use in status.resources]
    people.table(("RESOURCE", "KEY", "OBJECTS"), rows)
