"""`strongroom keys status`: which keys there are, and what is stored under each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.foreign import place_options, taken_place
from strongroom.cli.keys.asking import ask, emit, key_text, rewrap_text
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
@place_options
@click.option(
    "--resources",
    metavar="NAME,…",
    help="What to look at in a snapshot or an etcd; all for everything.  [default: secrets]",
)
@click.option("--objects", is_flag=True, help="Name each object in a snapshot or an etcd.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "wide", "json", "yaml"]),
    default="text",
    help="Form of the output; wide has more rows.",
)
def command(
    people: People,
    by_resource: bool,
    check: bool,
    resources: str | None,
    objects: bool,
    output: str,
    **options: Any,
) -> None:
    """Tell under which keys everything is stored.

    OBJECTS are stored under a key now; HISTORY counts all versions that are kept until the next
    compaction, which need the key too.

    With --snapshot or --etcd-servers it tells this of the store of any other cluster: what is
    stored in the clear, and the rest under which provider and key. That needs no key and no
    API server, and writes nothing.

    \b
    Examples:
      strongroom keys status
      strongroom keys status --by-resource
      strongroom keys status --check
      strongroom keys status --snapshot snapshot.db --objects
      strongroom keys status --etcd-servers https://10.0.0.1:2379 --etcd-cafile ca.crt \\
        --etcd-certfile client.crt --etcd-keyfile client.key --resources secrets,configmaps
    """
    if place := taken_place(options):
        from strongroom.cli.keys.elsewhere import tell

        sections = (resources or "secrets").split(",")
        tell(people, place, sections, check=check, names=objects, output=output)
    elif resources or objects:
        raise click.UsageError("--resources and --objects are for --snapshot and --etcd-servers")
    else:
        _tell_own(people, by_resource or output == "wide", check, output)


def _tell_own(people: People, by_resource: bool, check: bool, output: str) -> None:
    """Ask the server, and tell what it says of its own store."""

    async def gather(client: Client) -> EncryptionOperationStatus:
        from strongroom.resources.encryptionoperation import STATUS, EncryptionOperationSpec

        return await ask(client, EncryptionOperationSpec(action=STATUS))

    status = people.run(gather)
    if output in ("json", "yaml"):
        emit(people, status, output)
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
