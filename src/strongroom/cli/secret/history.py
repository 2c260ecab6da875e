"""`strongroom secret history`: what a Secret held before, by keys and never by values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from strongroom.api.errors import StatusError
from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.past import State, Timeline
    from strongroom.client.client import Client


@click.command("history")
@click.argument("name", required=False)
@people_options
@output_option
def command(people: People, name: str | None, output: str) -> None:
    """Tell what Secret NAME held before: when it was changed, by whom, and which keys.

    Without NAME: which Secrets have a past, deleted ones too. Revisions are known by the
    resourceVersion that the Secret had.

    \b
    Examples:
      strongroom secret history                what has a past, or was deleted
      strongroom secret history db
      strongroom secret history db -o json
    """
    namespace = people.namespace
    if name is None:
        _tell_all(people, namespace, output)
        return
    from strongroom.cli.secret.past import timeline

    past = people.run(lambda client: timeline(client, namespace, name))
    if output != "text":
        people.emit(_facts(past), output)
    else:
        _print(people, past)


def _print(people: People, past: Timeline) -> None:
    from strongroom.api.table import human_age

    now = datetime.now(UTC)
    if past.secret is None:
        when = f" {human_age(past.deleted, now)} ago by {past.deleted_by}" if past.deleted else ""
        people.say(f"secret {past.name} was deleted{when}")
    rows = []
    for state in past.states:
        age = human_age(state.written, now) + " ago" if state.written else "-"
        number = f"{state.number} (current)" if state.current else str(state.number)
        rows.append([number, age, state.by or "-", state.how or "-", _told(past, state)])
    people.table(["REVISION", "WRITTEN", "BY", "HOW", "KEYS"], rows)


def _told(past: Timeline, state: State) -> str:
    """What a state brought, or all that is in it where what was before is not known."""
    from strongroom.cli.secret.past import change_between

    before = past.before(state)
    if before is None:
        return f"has {', '.join(sorted(state.data)) or 'none'}"
    told = str(change_between(before.data, state.data))
    if state.type != before.type:
        told = "; ".join(filter(None, (f"type {before.type} became {state.type}", told)))
    return told or "the same"


def _facts(past: Timeline) -> dict[str, Any]:
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.cli.secret.past import change_between

    prints = Fingerprints()
    told = []
    for state in past.states:
        facts: dict[str, Any] = {"revision": state.number, "current": state.current}
        facts |= {"type": state.type, "immutable": state.immutable}
        facts |= {"written": state.written, "by": state.by, "how": state.how}
        before = past.before(state)
        if before is not None:
            change = change_between(before.data, state.data)
            facts |= {"added": change.added, "changed": change.changed, "removed": change.removed}
        facts["keys"] = [
            {"key": key, "bytes": len(value), "fingerprint": prints.of(value)}
            for key, value in sorted(state.data.items())
        ]
        told.append(facts)
    head: dict[str, Any] = {"namespace": past.namespace, "name": past.name}
    if past.secret is None:
        head["deleted"] = {"at": past.deleted, "by": past.deleted_by}
    return {**head, "revisions": told}


def _tell_all(people: People, namespace: str, output: str) -> None:
    """Which Secrets have a past, from tables, which hold no values."""

    async def gather(client: Client) -> tuple[dict[str, list[list[Any]]], set[str]]:
        from strongroom.cli.secret.list import listed

        revisions = await _rows(client, namespace)
        return revisions, {secret.name for secret in await listed(client, namespace, {})}

    revisions, present = people.run(gather)
    facts = []
    for name, rows in sorted(revisions.items()):
        number, kind, by, age = max(rows)
        state = "present" if name in present else "deleted"
        facts.append(
            {
                "name": name,
                "type": kind,
                "state": state,
                "revisions": len(rows),
                "newest": number,
                "age": age,
                "by": by,
            }
        )
    if output != "text":
        people.emit({"namespace": namespace, "secrets": facts}, output)
    elif facts:
        headers = ["NAME", "TYPE", "STATE", "REVISIONS", "REPLACED", "BY"]
        keys = ("name", "type", "state", "revisions", "age", "by")
        people.table(headers, [[secret[key] for key in keys] for secret in facts])
    else:
        people.say(f"No Secret of namespace {namespace} has a past.", err=True)


async def _rows(client: Client, namespace: str) -> dict[str, list[list[Any]]]:
    """By the name of the Secret: number, type, who, and age of each revision."""
    import msgspec

    from strongroom.cli.secret.list import TABLE
    from strongroom.cli.secret.past import unknown_kind
    from strongroom.client.paths import path_of
    from strongroom.resources.secretrevision import SECRET_REVISIONS, revision_number

    try:
        answer = await client.request("GET", path_of(SECRET_REVISIONS, namespace), accept=TABLE)
    except StatusError as error:
        raise unknown_kind(error) from error
    table = msgspec.json.decode(answer.body)
    if not isinstance(table, dict) or table.get("kind") != "Table":
        raise Failure("the server gives no tables of revisions")
    names = [column["name"] for column in table["columnDefinitions"]]
    wanted = [names.index(name) for name in ("Name", "Secret", "Type", "By", "Replaced")]
    found: dict[str, list[list[Any]]] = {}
    for row in table["rows"] or ():
        name, secret, kind, by, age = (row["cells"][at] for at in wanted)
        found.setdefault(secret, []).append([revision_number(name, secret) or 0, kind, by, age])
    return found
