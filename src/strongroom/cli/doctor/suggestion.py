"""`strongroom doctor rbac --suggest`: prints the least roles that would do for somebody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strongroom.cli.doctor.measuring import history_of, log_of, parse_subject
from strongroom.cli.output import dump
from strongroom.cli.people import Failure, People, harmless

if TYPE_CHECKING:
    from strongroom.api.audit import EventUser
    from strongroom.cli.rights.facts import Facts
    from strongroom.cli.rights.held import Whom
    from strongroom.cli.rights.suggesting import Suggestion
    from strongroom.cli.rights.used import History, Use
    from strongroom.client.client import Client


def print_suggestion(
    people: People, text: str, log: Path | None, span: timedelta | None, output: str
) -> None:
    """Print what ``kubectl apply`` takes. Raises Failure if nothing is known of them."""
    from strongroom.cli.rights.facts import read_facts
    from strongroom.cli.rights.suggesting import everybodys, suggest

    if text.removeprefix("user:").startswith("system:node:"):
        raise Failure("nodes are given what they need by the Node authorizer")
    path = log_of(people, log)

    async def gather(client: Client) -> Facts:
        return await read_facts(client, "", pods=False)

    facts = people.run(gather)
    named = {text, f"system:serviceaccount:{text}"}
    group, _, last = text.partition(":")
    account = "system:serviceaccount:" + last.replace("/", ":", 1)

    def is_meant(user: EventUser) -> bool:
        return (
            user.username in named
            or (group == "group" and last in user.groups)
            or (group == "user" and user.username == last)
            or (group == "serviceaccount" and user.username == account)
        )

    history = history_of(people, path, span, is_meant)
    whom = parse_subject(text, history.uses)
    only = people.asked_namespace
    uses = [use for use in _uses(history, whom) if only in ("", use.namespace)]
    if not uses:
        raise Failure(f"since {_time(history)} nothing is in {path} that {whom} did")
    _print(people, suggest(whom, uses, everybodys(facts.grants, whom)), whom, history, output)


def _uses(history: History, whom: Whom) -> list[Use]:
    from strongroom.cli.rights.unused import username

    name = username(whom)
    return [
        use
        for user, uses in history.uses.items()
        if (name in user.groups if whom.kind == "Group" else name == user.username)
        for use in uses
    ]


def _print(
    people: People, suggestion: Suggestion, whom: Whom, history: History, output: str
) -> None:
    for note in suggestion.notes:
        people.warn(note)
    if output == "json":
        made = {"apiVersion": "v1", "kind": "List", "items": suggestion.objects}
        click.echo(dump(made, "json"), nl=False)
        return
    click.echo(harmless(f"# What {whom} did since {_time(history)}, and no more."))
    if not suggestion.objects:
        click.echo("# Nothing of it needs more than everybody has.")
    click.echo("---\n".join(dump(made, "yaml") for made in suggestion.objects), nl=False)


def _time(history: History) -> str:
    return history.since.strftime("%Y-%m-%dT%H:%M:%SZ")
