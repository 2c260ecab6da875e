"""`strongroom backup`: everything that a server stores, in one encrypted file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, cluster_options
from strongroom.files import written_whole

if TYPE_CHECKING:
    from strongroom.backup.age import Stanza
    from strongroom.backup.lines import Check
    from strongroom.client.client import Client

    Wrap = Callable[[bytes], Stanza]

_EVERY = 1000
"""Records between two words of how far it is."""


@click.command("backup")
@cluster_options
@click.option(
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write; one that is there is replaced when the new one is whole.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File whose first line is the passphrase. [default: ask]",
)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="age1…",
    help="In place of a passphrase: who can open it, by an identity of age; may be repeated.",
)
@click.option(
    "--skip-unreadable", is_flag=True, help="Leave out what the server itself cannot decrypt."
)
@click.option(
    "-o",
    "output",
    type=click.Choice(["text", "json", "yaml"]),
    default="text",
    help="Form of what is told.",
)
def command(
    people: People,
    target: Path,
    passphrase_file: Path | None,
    recipients: tuple[str, ...],
    skip_unreadable: bool,
    output: str,
) -> None:
    """Write all that a server stores into a file, encrypted with a passphrase or to recipients.

    Everything is as of one revision; the server serves all the while. The file is of the format of
    age: whoever has the passphrase, or an identity, can open it without strongroom, and the keys of
    the server are not needed for that. Who makes backups for a recipient can not read them.
    `strongroom restore --dry-run` tells what is in it.

    \b
    Examples:
      strongroom backup --output store.backup
      strongroom backup --output store.backup --passphrase-file /root/passphrase
      strongroom backup --output store.backup --recipient age1…
      strongroom restore --input store.backup --data-dir ./new
    """
    if recipients and passphrase_file is not None:
        raise click.UsageError("a passphrase, or recipients, but not both")
    wraps = _for_recipients(recipients) if recipients else _for_passphrase(passphrase_file)

    async def work(client: Client) -> Check:
        with written_whole(target) as file:
            return await _fetch(people, client, file, wraps, skip_unreadable)

    check = people.run(work)
    head = check.finish()
    for each in check.unreadable:
        people.warn(f"left out: {each.key}: {each.why}")
    if output != "text":
        facts = {"file": str(target), "objects": check.records, "revision": head.revision}
        people.emit(facts | {"leftOut": [each.key for each in check.unreadable]}, output)
        return
    people.say(f"{check.records} objects as of revision {head.revision} in {target}")


async def _fetch(
    people: People, client: Client, file: IO[bytes], wraps: Sequence[Wrap], skip_unreadable: bool
) -> Check:
    from strongroom.api.errors import StatusError
    from strongroom.backup.age import Sealer
    from strongroom.backup.lines import PATH, BadBackup, Check, Splitter

    sealer = Sealer(file, *wraps)
    check, splitter, told = Check(), Splitter(), 0
    try:
        async with client.transport.stream(PATH, accept="*/*", idle_timeout=60) as pieces:
            async for piece in pieces:
                for line in splitter.take(piece):
                    check.take(line)
                    sealer.write(line + b"\n")
                if sys.stderr.isatty() and check.records >= told + _EVERY:
                    told = check.records
                    people.say(f"{told} objects", err=True)
        check.finish()
    except StatusError as error:
        if error.code == 404:
            raise Failure("this is no strongroom server: it cannot be backed up so") from error
        raise
    except BadBackup as error:
        raise Failure(str(error)) from error
    if check.unreadable and not skip_unreadable:
        first = check.unreadable[0]
        raise Failure(
            f"{len(check.unreadable)} values cannot be decrypted by the server, of them "
            f"{first.key}: {first.why}\nTo do without them: --skip-unreadable"
        )
    sealer.finish()
    return check


def _for_recipients(texts: Sequence[str]) -> list[Wrap]:
    """Raises Failure."""
    from strongroom.backup.age_keys import Recipient

    try:
        return [Recipient.parse(text).lock for text in dict.fromkeys(texts)]
    except ValueError as error:
        raise Failure(f"--recipient: {error}") from None


def _for_passphrase(path: Path | None) -> list[Wrap]:
    """Raises Failure."""
    from strongroom.backup.age import lock

    if path is not None:
        lines = path.read_bytes().splitlines()
        given = lines[0] if lines else b""
    else:
        given = click.prompt(
            "Passphrase", hide_input=True, confirmation_prompt=True, err=True
        ).encode()
    if not given:
        raise Failure("the passphrase is empty")
    passphrase = bytes(given)
    return [lambda key: lock(key, passphrase)]
