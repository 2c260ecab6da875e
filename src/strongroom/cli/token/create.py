"""`strongroom token create`: a new bootstrap token, printed this once."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import click

from strongroom.cli.people import People, cluster_options

if TYPE_CHECKING:
    from strongroom.cli.token.joining import Joining
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret

_CHARACTERS = string.digits + string.ascii_lowercase
_FOR_EVER = "0"


@click.command("create")
@cluster_options
@click.option(
    "--ttl",
    metavar="DURATION",
    default="24h",
    show_default=True,
    help="How long it holds (2h, 90d); 0: until it is deleted.",
)
@click.option(
    "--usages",
    metavar="LIST",
    default="signing,authentication",
    show_default=True,
    help="What it is good for.",
)
@click.option(
    "--groups",
    metavar="LIST",
    help="Groups of who shows it, beside system:bootstrappers."
    "  [default: system:bootstrappers:kubeadm:default-node-token]",
)
@click.option("--description", metavar="TEXT", default="", help="What it is for, for people.")
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.File(),
    help="Take the token from there (`-`: standard input) instead of a new one.",
)
@click.option(
    "--print-join-command",
    "join",
    is_flag=True,
    help="Print what to run on the new machine, instead of the token alone.",
)
def command(
    people: People,
    ttl: str,
    usages: str,
    groups: str | None,
    description: str,
    token_file: IO[str] | None,
    join: bool,
) -> None:
    """Make a bootstrap token and print it: it is not shown again.

    \b
    Examples:
      strongroom token create
      strongroom token create --ttl 2h --description "rack 7" --print-join-command
      strongroom token create --usages authentication --groups system:bootstrappers:workers
    """
    from strongroom.resources.bootstrap_token import parse_token

    token = token_file.read().strip() if token_file else _new_token()
    parts = parse_token(token)
    if parts is None:
        raise click.UsageError("--token-file: expected ID.SECRET, as in abcdef.0123456789abcdef")
    secret = _secret(*parts, until=_end(ttl), description=description)
    _allow(secret, _words(usages), None if groups is None else _words(groups))

    async def store(client: Client) -> Joining | None:
        from strongroom.cli.token.joining import join_command
        from strongroom.resources.secret import SECRETS

        # What can fail is asked for before a token is there that nobody has been shown.
        joining = await join_command(client, token) if join else None
        await client.create(SECRETS, secret)
        return joining

    joining = people.run(store)
    people.say(joining.line if joining else token)
    if joining and joining.is_local:
        people.warn(
            f"{joining.server} is reached from this machine only: start the server with --bind,"
            " or edit ConfigMap cluster-info in kube-public"
        )


def _new_token() -> str:
    """A token that nobody can guess: 83 bits of its secret are random."""
    letters = [secrets.choice(_CHARACTERS) for _ in range(22)]
    return "".join(letters[:6]) + "." + "".join(letters[6:])


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _end(ttl: str) -> datetime | None:
    if ttl.rstrip("hms") == _FOR_EVER:
        return None
    from strongroom.resources.secret_expiry import parse_span

    try:
        return datetime.now(UTC) + parse_span(ttl)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"--ttl: {error}") from error


def _secret(token_id: str, key: str, *, until: datetime | None, description: str) -> Secret:
    from strongroom.api.times import format_time
    from strongroom.resources import bootstrap_token
    from strongroom.resources.secret import BOOTSTRAP_TOKEN, Secret

    secret = Secret(type=BOOTSTRAP_TOKEN)
    secret.metadata.name = bootstrap_token.secret_name(token_id)
    secret.metadata.namespace = bootstrap_token.NAMESPACE
    texts = {
        bootstrap_token.ID_KEY: token_id,
        bootstrap_token.SECRET_KEY: key,
        bootstrap_token.DESCRIPTION_KEY: description,
        bootstrap_token.EXPIRATION_KEY: format_time(until) if until else "",
    }
    secret.data = {name: text.encode() for name, text in texts.items() if text}
    return secret


def _allow(secret: Secret, usages: list[str], groups: list[str] | None) -> None:
    """Write down what the token is good for. Raises UsageError for what it cannot be."""
    from strongroom.resources import bootstrap_token

    authenticates = bootstrap_token.AUTHENTICATION in usages
    if groups is None:
        groups = [bootstrap_token.DEFAULT_EXTRA_GROUP] if authenticates else []
    if groups and not authenticates:
        raise click.UsageError("--groups: only a token with usage authentication has groups")
    problems = [bootstrap_token.usages_error(usages), *map(bootstrap_token.group_error, groups)]
    for problem in filter(None, problems):
        raise click.UsageError(problem)
    for usage in usages:
        secret.data[bootstrap_token.USAGE_PREFIX + usage] = b"true"
    if groups:
        secret.data[bootstrap_token.GROUPS_KEY] = ",".join(groups).encode()
