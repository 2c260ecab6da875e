"""`strongroom secret list`: which Secrets there are, from a table that holds no values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secret_expiry import Facts

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
"""What to accept for a table of a list, which holds no values."""

_PAGE = 500


@dataclass(slots=True)
class Listed:
    """What is told of one Secret. ``sizes`` is filled with ``--keys`` only."""

    namespace: str
    name: str
    type: str
    keys: int
    created: str
    annotations: dict[str, str] = field(repr=False)
    sizes: dict[str, int] | None = None
    facts: Facts | None = field(default=None, repr=False)
    """When it expires and the like, as far as can be told without its values."""
    immutable: bool = False
    """Told with ``--keys`` only."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the text form, and the same fact of the other forms if ``fact`` names it."""

    header: str
    cell: Callable[[Listed], object]
    fact: str = ""


def age(secret: Listed) -> str:
    """Time since the Secret was created, as kubectl shows it."""
    from strongroom.api.table import human_age

    return human_age(secret.created, datetime.now(UTC))


COLUMNS = (
    Column("NAME", lambda s: s.name, "name"),
    Column("TYPE", lambda s: s.type, "type"),
    Column("KEYS", lambda s: s.keys, "keys"),
    Column("AGE", age),
)
"""What is shown of each Secret; a further condition of a Secret is a further column here."""


@click.command("list")
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Label selector.")
@click.option("--type", "wanted", metavar="TYPE", default="", help="Of this type only.")
@click.option("--keys", is_flag=True, help="Keys with sizes too; reads the Secrets themselves.")
@output_option
def command(
    people: People, all_namespaces: bool, selector: str, wanted: str, keys: bool, output: str
) -> None:
    """List Secrets: type, number of keys, age, and what you should know of them: those that
    expire within 30 days, are due to be replaced, or are older than 90 days.

    No value leaves the server for it. When certificates and tokens end, only strongroom's server
    tells of itself; --keys finds it out on any cluster, and which Secrets are immutable too.

    \b
    Examples:
      strongroom secret list
      strongroom secret list -A --type kubernetes.io/tls
      strongroom secret list -l app=shop --keys -o yaml
    """
    params = {"labelSelector": selector, "fieldSelector": f"type={wanted}" if wanted else ""}
    namespace = "" if all_namespaces else people.namespace

    async def gather(client: Client) -> list[Listed]:
        from strongroom.cli.secret.conditions import tell_ends

        secrets = await listed(client, namespace, {k: v for k, v in params.items() if v})
        await tell_ends(client, secrets, namespace)
        if keys:
            await _measure(client, secrets, namespace, selector)
        return secrets

    secrets = people.run(gather)
    if output != "text":
        people.emit({"secrets": [_facts(secret) for secret in secrets]}, output)
    elif secrets:
        _print(people, secrets, all_namespaces)
    else:
        people.say(nothing(namespace), err=True)


async def listed(client: Client, namespace: str, params: dict[str, str]) -> list[Listed]:
    """The Secrets of a namespace (of all for an empty name) by name. Raises StatusError."""
    import msgspec

    from strongroom.client.paths import path_of
    from strongroom.resources.secret import SECRETS

    found: list[Listed] = []
    going_on = ""
    while True:
        asked = {**params, "limit": str(_PAGE), **({"continue": going_on} if going_on else {})}
        answer = await client.request(
            "GET", path_of(SECRETS, namespace), params=asked, accept=TABLE
        )
        table = msgspec.json.decode(answer.body)
        if not isinstance(table, dict) or table.get("kind") != "Table":
            # Not even looked at: it may be the Secrets themselves.
            raise Failure("the server gives no tables; strongroom needs Kubernetes 1.10 or later")
        names = [column["name"] for column in table["columnDefinitions"]]
        cells_of = (names.index("Type"), names.index("Data"))
        found += [_row(row, *cells_of) for row in table["rows"] or ()]
        going_on = table.get("metadata", {}).get("continue") or ""
        if not going_on:
            return found


def _row(row: dict[str, Any], type_at: int, data_at: int) -> Listed:
    from strongroom.cli.secret.conditions import told_by
    from strongroom.resources.secret_reference import REFERENCE

    meta, cells = row["object"]["metadata"], row["cells"]
    # A reference has no values that could grow old.
    holds = cells[type_at] != REFERENCE
    return Listed(
        namespace=meta["namespace"],
        name=meta["name"],
        type=cells[type_at],
        keys=cells[data_at],
        created=meta["creationTimestamp"],
        annotations=meta.get("annotations") or {},
        facts=told_by(meta) if holds else None,
    )


async def _measure(client: Client, secrets: list[Listed], namespace: str, selector: str) -> None:
    """Fill in what values tell; a Secret that has gone meanwhile stays without."""
    from strongroom.resources.secret import SECRETS
    from strongroom.resources.secret_expiry import facts_of

    page = await client.list(SECRETS, namespace, label_selector=selector)
    read = {(s.metadata.namespace, s.metadata.name): s for s in page.items}
    for secret in secrets:
        whole = read.get((secret.namespace, secret.name))
        if whole is not None:
            secret.sizes = {key: len(value) for key, value in sorted(whole.data.items())}
            secret.immutable = whole.immutable is True
            if secret.facts is not None:
                secret.facts = facts_of(whole)


def _facts(secret: Listed) -> dict[str, Any]:
    from strongroom.cli.secret.conditions import condition_facts

    facts = {column.fact: column.cell(secret) for column in COLUMNS if column.fact}
    facts = {"namespace": secret.namespace, **facts, "created": secret.created}
    facts |= condition_facts(secret)
    return facts if secret.sizes is None else {**facts, "sizes": secret.sizes}


def _print(people: People, secrets: list[Listed], with_namespace: bool) -> None:
    from strongroom.cli.secret.conditions import conditions_of

    columns = list(COLUMNS)
    if any(conditions_of(secret) for secret in secrets):
        columns.append(Column("CONDITIONS", lambda s: ", ".join(conditions_of(s))))
    if with_namespace:
        columns.insert(0, Column("NAMESPACE", lambda s: s.namespace))
    if any(secret.sizes is not None for secret in secrets):
        columns.append(Column("BYTES", _bytes))
    rows = [[column.cell(secret) for column in columns] for secret in secrets]
    people.table([column.header for column in columns], rows)


def _bytes(secret: Listed) -> str:
    return ", ".join(f"{key} {size}" for key, size in (secret.sizes or {}).items())


def nothing(namespace: str) -> str:
    """What is told where there is no Secret."""
    where = f"in namespace {namespace}" if namespace else "in any namespace"
    return f"No Secrets {where}. Make one: strongroom secret set NAME KEY=-"
