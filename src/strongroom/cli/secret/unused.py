"""`strongroom secret unused`: which Secrets nothing names, and when they were last read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import People, people_options
from strongroom.cli.secret.users import read_text, warn_unseen

if TYPE_CHECKING:
    from strongroom.cli.secret.list import Listed
    from strongroom.client.client import Client
    from strongroom.client.secret_graph import Graph
    from strongroom.client.secret_usage import Usages

OTHERWISE = (
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
)
"""Types whose Secrets serve without being named by any object."""


@click.command("unused")
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@click.option("--all", "every", is_flag=True, help="Tokens and Helm's releases too.")
@output_option
def command(people: People, all_namespaces: bool, every: bool, output: str) -> None:
    """List Secrets that no object names.

    Before you delete one: programs may read Secrets without any object that says so. LAST READ
    tells of that, where the server is strongroom's. Secrets that are used without being named
    (tokens of accounts, bootstrap tokens, Helm's releases) are left out, and so are those that are
    shared with other namespaces.

    \b
    Examples:
      strongroom secret unused
      strongroom secret unused -A -o json
    """
    from strongroom.cli.secret.list import listed, nothing

    namespace = "" if all_namespaces else people.namespace

    async def gather(client: Client) -> tuple[list[Listed], Graph, set[tuple[str, str]], Usages]:
        from strongroom.cli.secret.sharing import shared_names
        from strongroom.client.discovery import discover
        from strongroom.client.secret_graph import read_graph
        from strongroom.client.secret_usage import read_usages

        served = await discover(client)
        secrets = await listed(client, namespace, {})
        graph = await read_graph(client, served, namespace)
        shared = set(await shared_names(client, namespace))
        return secrets, graph, shared, await read_usages(client, served, namespace)

    secrets, graph, shared, usages = people.run(gather)
    unused = list(_unused(secrets, graph, shared, every=every))
    warn_unseen(people, graph)
    if output != "text":
        people.emit({"secrets": [_facts(secret, usages) for secret in unused]}, output)
    elif unused:
        _print(people, unused, usages, with_namespace=all_namespaces)
    elif not secrets:
        people.say(nothing(namespace), err=True)
    else:
        people.say("Every Secret is named by something.", err=True)


def _unused(
    secrets: Iterable[Listed], graph: Graph, shared: set[tuple[str, str]], *, every: bool
) -> Iterable[Listed]:
    named = {(one.secret_namespace, one.secret) for one in graph.references} | shared
    for secret in secrets:
        if not every and secret.type in OTHERWISE:
            continue
        # A reference that does not tell its namespace may mean any.
        if not named & {(secret.namespace, secret.name), ("", secret.name)}:
            yield secret


def _print(people: People, secrets: list[Listed], usages: Usages, *, with_namespace: bool) -> None:
    from strongroom.cli.secret.list import age

    headers = ["NAME", "TYPE", "AGE"] + (["LAST READ"] if usages.known else [])
    rows = [[secret.name, secret.type, age(secret)] for secret in secrets]
    if usages.known:
        for row, secret in zip(rows, secrets, strict=True):
            row.append(_last(secret, usages))
    if with_namespace:
        headers.insert(0, "NAMESPACE")
        for row, secret in zip(rows, secrets, strict=True):
            row.insert(0, secret.namespace)
    people.table(headers, rows)


def _last(secret: Listed, usages: Usages) -> str:
    reads = usages.reads(secret.namespace, secret.name)
    return read_text(reads[0]) if reads else "-"


def _facts(secret: Listed, usages: Usages) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "namespace": secret.namespace,
        "name": secret.name,
        "type": secret.type,
        "created": secret.created,
    }
    if usages.known:
        reads = usages.reads(secret.namespace, secret.name)
        facts["lastRead"] = (
            {"verb": reads[0].verb, "time": reads[0].time, "by": reads[0].by} if reads else None
        )
    return facts
