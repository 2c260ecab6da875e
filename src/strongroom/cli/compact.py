"""`strongroom compact`: what was deleted leaves the files of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, cluster_options

if TYPE_CHECKING:
    from strongroom.api.compaction import Compacted
    from strongroom.client.client import Client

_WITHIN = 3600.0
"""Seconds that the files of all members have: minutes, where they are many gigabytes."""


@click.command("compact")
@cluster_options
@click.option(
    "--forget-deleted",
    is_flag=True,
    help="First delete what is kept of Secrets that are gone (`strongroom secret undelete`).",
)
@output_option
def command(people: People, forget_deleted: bool, output: str) -> None:
    """Take what was changed or deleted out of the files of the store, ciphertext too.

    The server forgets all earlier revisions now and writes its file anew, while it serves: writes
    wait for about a second for 40 MB. Members of an etcd do so one after another. Who watches from
    an earlier revision has to list anew. What `strongroom secret history` knows is kept by policy,
    and stays; so do backups. docs/operations.md says what that means on SSDs.

    \b
    Examples:
      strongroom compact
      strongroom compact --forget-deleted
    """

    async def work(client: Client) -> tuple[int, Compacted]:
        from strongroom.cli.forgetting import forget_revisions_of_deleted

        forgotten = await forget_revisions_of_deleted(client) if forget_deleted else 0
        return forgotten, await _compact(client)

    forgotten, done = people.run(work)
    if output != "text":
        from msgspec import to_builtins

        people.emit(to_builtins(done) | {"forgotten": forgotten}, output)
        return
    if forget_deleted:
        people.say(f"{forgotten} revisions of deleted Secrets forgotten")
    people.say(f"compacted to revision {done.revision}")
    for file in done.files:
        people.say(f"{file.where}: {file.before} bytes before, {file.after} now")


async def _compact(client: Client) -> Compacted:
    import msgspec

    from strongroom.api.compaction import PATH, Compacted
    from strongroom.api.errors import StatusError

    try:
        answer = await client.transport.request("POST", PATH, within=_WITHIN)
    except StatusError as error:
        if error.code == 404:
            raise Failure("this is no strongroom server: it cannot be compacted so") from error
        raise
    return msgspec.json.decode(answer.body, type=Compacted)
