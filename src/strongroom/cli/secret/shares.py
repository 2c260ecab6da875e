"""`strongroom secret shares`: what is shared with whom, and what is used of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import People, people_options
from strongroom.cli.secret.sharing import EVERY, grants_of, references_in

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secretgrant import SecretGrant


@click.command("shares")
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@output_option
def command(people: People, all_namespaces: bool, output: str) -> None:
    """List what a namespace shares with others, and the references by which it uses theirs.

    Whether a reference gives anything is told by the pods that use it, and by nothing else: what
    is not granted is not told from what is not there.

    \b
    Examples:
      strongroom secret shares
      strongroom secret shares -A -o json
    """
    namespace = "" if all_namespaces else people.namespace

    async def gather(client: Client) -> tuple[list[SecretGrant], list[tuple[Any, str]]]:
        return await grants_of(client, namespace), await references_in(client, namespace)

    grants, references = people.run(gather)
    shares = [_share for grant in grants for _share in _shares(grant)]
    used = [
        {"namespace": secret.namespace, "name": secret.name, "from": origin}
        for secret, origin in references
    ]
    if output != "text":
        people.emit({"shares": shares, "references": used}, output)
        return
    if not shares and not used:
        people.say("Nothing is shared. Share a Secret: strongroom secret share NAME --to NS")
    if shares:
        _print(people, "SECRET KEYS TO GRANT", shares, with_namespace=all_namespaces)
    if used:
        if shares:
            people.say("")
        _print(people, "REFERENCE FROM", used, with_namespace=all_namespaces)


def _shares(grant: SecretGrant) -> list[dict[str, Any]]:
    """A line for each Secret of a grant and each who is given it."""
    return [
        {
            "namespace": grant.metadata.namespace,
            "secret": secret.name,
            "keys": list(secret.keys),
            "to": to.namespace,
            "serviceAccounts": list(to.serviceAccounts),
            "grant": grant.metadata.name,
        }
        for secret in grant.spec.secrets
        for to in grant.spec.to
    ]


def _print(
    people: People, headers: str, lines: list[dict[str, Any]], *, with_namespace: bool
) -> None:
    rows = []
    for line in lines:
        row = [line["namespace"]] if with_namespace else []
        if "secret" in line:
            keys = "all" if line["keys"] == [EVERY] else ",".join(line["keys"])
            row += [line["secret"], keys, _told(line), line["grant"]]
        else:
            row += [line["name"], line["from"]]
        rows.append(row)
    people.table([*(["NAMESPACE"] if with_namespace else []), *headers.split()], rows)


def _told(line: dict[str, Any]) -> str:
    accounts: list[str] = line["serviceAccounts"]
    where: str = line["to"]
    return where if accounts == [EVERY] else ",".join(f"{where}/{account}" for account in accounts)
