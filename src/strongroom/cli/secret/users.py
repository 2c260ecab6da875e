"""`strongroom secret users`: what names a Secret, where, and who read it last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.client.secret_graph import Graph, Reference
    from strongroom.client.secret_usage import LastRead

    _Gathered = tuple[bool, Graph, tuple[list[Reference], list[str]], list[LastRead] | None]


@click.command("users")
@people_options
@click.argument("name")
@output_option
def command(people: People, name: str, output: str) -> None:
    """Show what uses a Secret: pods, templates, accounts, Ingresses, custom resources.

    Objects of kinds that strongroom does not know are searched by the names of their fields, so
    look at the path. A server of strongroom's also tells when values were last read, to the hour.

    \b
    Examples:
      strongroom secret users db
      strongroom secret users db -n shop -o json
    """
    namespace = people.namespace

    async def gather(client: Client) -> _Gathered:
        from strongroom.cli.secret.sharing import users_elsewhere
        from strongroom.client.discovery import discover
        from strongroom.client.secret_graph import read_graph
        from strongroom.client.secret_usage import read_usages

        served = await discover(client)
        there = await exists(client, namespace, name)
        graph = await read_graph(client, served, namespace)
        usages = await read_usages(client, served, namespace)
        elsewhere = await users_elsewhere(client, served, namespace, name)
        reads = usages.reads(namespace, name) if usages.known else None
        return there, graph, elsewhere, reads

    there, graph, (elsewhere, hidden), reads = people.run(gather)
    users = graph.users(namespace, name) + elsewhere
    if not there:
        people.warn(f'there is no Secret "{name}" in namespace {namespace}')
    warn_unseen(people, graph)
    for where in hidden:
        people.warn(f"it is shared with namespace {where}, whose Secrets you may not list")
    if output != "text":
        people.emit(_tree(namespace, name, users, reads), output)
        return
    if users:
        people.table(["KIND", "NAME", "FIELD", "NOTE"], [_row(user, namespace) for user in users])
    else:
        people.say(f'Nothing names the Secret "{name}".')
    if reads is not None:
        people.say(f"Last read: {_told(reads)}")


async def exists(client: Client, namespace: str, name: str) -> bool:
    """Whether a Secret is there, of which only metadata is asked for."""
    from strongroom.api.errors import StatusError
    from strongroom.client.metadata import get_metadata
    from strongroom.client.paths import path_of
    from strongroom.resources.secret import SECRETS

    try:
        await get_metadata(client, path_of(SECRETS, namespace, name))
    except StatusError as error:
        if error.code != 404:
            raise
        return False
    return True


def warn_unseen(people: People, graph: Graph) -> None:
    """Say which kinds may not be looked at: what they use is not in the answer."""
    if graph.unseen:
        kinds = ", ".join(kind for kind, _ in graph.unseen)
        people.warn(f"you may not list these kinds, which may use Secrets too: {kinds}")


def _row(user: Reference, namespace: str) -> list[str]:
    where = f"{user.namespace}/" if user.namespace not in (namespace, "") else ""
    return [user.kind, where + user.name, user.path, ", ".join(_notes(user, namespace))]


def _notes(user: Reference, namespace: str) -> list[str]:
    notes = {
        f"by reference {user.secret}": user.secret_namespace not in (namespace, ""),
        "optional": user.optional,
        "ended": user.ended,
        "namespace not told": not user.certain,
    }
    return [text for text, holds in notes.items() if holds]


def _told(reads: list[LastRead]) -> str:
    """The newest of each way of reading: ``2h ago by alice (get), …``."""
    newest = {read.verb: read for read in reversed(reads)}
    ordered = [read for read in reads if newest[read.verb] is read]
    return "; ".join(map(read_text, ordered)) or "not since the server keeps account of it"


def read_text(read: LastRead) -> str:
    """A read in words: within the hour, or how many hours ago."""
    from strongroom.api.times import parse_time

    hours = int((datetime.now(UTC) - parse_time(read.time)).total_seconds() // 3600)
    if hours < 1:
        when = "within the hour"
    else:
        when = f"{hours}h ago" if hours < 48 else f"{hours // 24}d ago"
    whole = ", with all of the namespace" if read.whole else ""
    return f"{when} by {read.by} ({read.verb}{whole})"


def _tree(
    namespace: str, name: str, users: list[Reference], reads: list[LastRead] | None
) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "namespace": namespace,
        "name": name,
        "users": [
            {
                "apiVersion": user.api_version,
                "kind": user.kind,
                "namespace": user.namespace,
                "name": user.name,
                "path": user.path,
                "optional": user.optional,
                "ended": user.ended,
                "certain": user.certain,
            }
            | ({"reference": user.secret} if user.secret_namespace not in (namespace, "") else {})
            for user in users
        ],
    }
    if reads is not None:
        tree["reads"] = [
            {"verb": r.verb, "time": r.time, "by": r.by, "wholeNamespace": r.whole} for r in reads
        ]
    return tree
