"""What the commands of `strongroom keys` share: asking the server, and telling its answer."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.encryptionoperation import (
        EncryptionOperationSpec,
        EncryptionOperationStatus,
        KeyUse,
        ResourceUse,
        RewrapProgress,
    )

CONFIGURATION = "EncryptionConfiguration"
"""How a status's provider begins where a file names the keys; its path follows."""

rate_option = click.option(
    "--rate",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Values a second that are stored anew at most; 0: as fast as can be.",
)

_LOOK = 0.5
"""Seconds between two looks at how far a rewrap has come."""
_REST = 4
"""How many times longer than a look, which has the server read all it has, is the pause."""


async def ask(
    client: Client, spec: EncryptionOperationSpec, *, dry_run: bool = False
) -> EncryptionOperationStatus:
    """Have the server do something with its keys. Raises StatusError, Failure."""
    from strongroom.api.errors import StatusError
    from strongroom.resources.encryptionoperation import ENCRYPTION_OPERATIONS, EncryptionOperation

    try:
        asked = EncryptionOperation(spec=spec)
        done = await client.create(ENCRYPTION_OPERATIONS, asked, dry_run=dry_run)
    except StatusError as error:
        if error.code == 404:
            raise Failure("this is no strongroom server: its keys are its own affair") from error
        raise
    return done.status


async def rewrap(people: People, client: Client, rate: int) -> EncryptionOperationStatus:
    """Have everything stored anew, and tell how far it is until it is done."""
    from strongroom.resources.encryptionoperation import (
        DONE,
        REWRAP,
        STATUS,
        EncryptionOperationSpec,
    )

    status = await ask(client, EncryptionOperationSpec(action=REWRAP, rate=rate))
    told, took = "", 0.0
    while status.rewrap.phase != DONE:
        line = f"{status.rewrap.rewritten} values stored anew, {left_over(status)} to go"
        if line != told and sys.stderr.isatty():
            people.say(line, err=True)
        told = line
        await asyncio.sleep(max(_LOOK, _REST * took))
        asked = time.monotonic()
        status = await ask(client, EncryptionOperationSpec(action=STATUS))
        took = time.monotonic() - asked
    return status


def tell_end(people: People, status: EncryptionOperationStatus, output: str = "text") -> None:
    """What a rewrap came to, and what remains. Raises Failure for values that cannot be read."""
    done = status.rewrap
    if output == "text":
        people.say(f"{done.rewritten} values stored anew")
        for key in status.keys:
            if not key.writes and key.objects:
                people.say(f"{key.objects} remain under {key_text(key)}")
    else:
        emit(people, status, output)
    if done.failed:
        raise Failure(f"{done.failed} values cannot be read, of them: {', '.join(done.failures)}")
    if output == "text":
        _tell_next(people, status)


def emit(people: People, status: EncryptionOperationStatus, output: str) -> None:
    """Print the server's answer as ``json`` or ``yaml``."""
    from msgspec import to_builtins

    people.emit(to_builtins(status), output)


def _tell_next(people: People, status: EncryptionOperationStatus) -> None:
    if any(not key.writes and key.held and not key.objects for key in status.keys):
        kind, _, file = status.provider.partition(" ")
        forget = "forget old keys: strongroom keys prune"
        if kind == CONFIGURATION:
            forget = f"take old keys out of {file}"
        people.say(f"When their history is compacted, {forget}")


def left_over(status: EncryptionOperationStatus) -> int:
    """Values that are not under a key that writes."""
    return sum(key.objects for key in status.keys if not key.writes)


def key_text(key: KeyUse | ResourceUse) -> str:
    """A key as people are told of it."""
    if key.scheme == "identity":
        return "not encrypted"
    if key.keyID:
        return key.keyID
    return f"{key.scheme} {key.name}"


def rewrap_text(progress: RewrapProgress) -> str:
    """How far a rewrap has come; "" for none."""
    if not progress.startedAt:
        return ""
    failed = f", {progress.failed} cannot be read" if progress.failed else ""
    if progress.endedAt:
        return f"Rewrapped at {progress.endedAt}: {progress.rewritten} values{failed}"
    return f"Rewrapping since {progress.startedAt}: {progress.rewritten} values{failed}"
