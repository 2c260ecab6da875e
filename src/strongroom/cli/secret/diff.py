"""`strongroom secret diff`: what is different between two states of a Secret, values masked."""

from __future__ import annotations

import base64
import difflib
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.past import State, Timeline


@click.command("diff")
@click.argument("name")
@click.argument("old", required=False, metavar="[REVISION]")
@click.argument("new", required=False, metavar="[REVISION]")
@people_options
@click.option(
    "--reveal", "revealed", multiple=True, metavar="KEY", help="Print both values of this key."
)
@output_option
def command(
    people: People,
    name: str,
    old: str | None,
    new: str | None,
    revealed: tuple[str, ...],
    output: str,
) -> None:
    """Tell what changed in Secret NAME: since the REVISION, or from one to another.

    Without any it is the last change. Values are masked: equal fingerprints are equal values,
    within one output. Key by key, --reveal shows what was there and what is.

    \b
    Examples:
      strongroom secret diff db                     what the last change did
      strongroom secret diff db 1207                what changed since this revision
      strongroom secret diff db 1207 1311 --reveal user
    """
    from strongroom.cli.secret.past import timeline

    namespace = people.namespace
    past = people.run(lambda client: timeline(client, namespace, name))
    before, after = _chosen(past, old, new)
    for key in revealed:
        if key not in before.data and key not in after.data:
            known = ", ".join(sorted(before.data.keys() | after.data.keys())) or "none"
            raise Failure(f"neither revision of secret {name} has a key {key}; there are: {known}")
    facts = _facts(past, before, after, revealed)
    if output != "text":
        people.emit(facts, output)
    else:
        _print(people, facts, before, after, revealed)


def _chosen(past: Timeline, old: str | None, new: str | None) -> tuple[State, State]:
    """The two states to compare. Raises Failure."""
    after = past.state(new) if new else past.states[0]
    if old:
        return past.state(old), after
    before = past.before(after)
    if before is None:
        raise Failure(f"nothing is kept of secret {past.name} before revision {after.number}")
    return before, after


def _facts(
    past: Timeline, before: State, after: State, revealed: tuple[str, ...]
) -> dict[str, Any]:
    from strongroom.cli.secret.fingerprint import Fingerprints

    prints = Fingerprints()
    keys = []
    for key in sorted(before.data.keys() | after.data.keys()):
        was, is_ = before.data.get(key), after.data.get(key)
        facts: dict[str, Any] = {"key": key, "state": _state(was, is_)}
        for word, value in (("old", was), ("new", is_)):
            if value is not None:
                told: dict[str, Any] = {"bytes": len(value), "fingerprint": prints.of(value)}
                if key in revealed:
                    told["base64"] = base64.b64encode(value).decode()
                facts[word] = told
        keys.append(facts)
    head: dict[str, Any] = {"namespace": past.namespace, "name": past.name}
    head |= {"old": before.number, "new": after.number}
    if before.type != after.type:
        head["type"] = {"old": before.type, "new": after.type}
    return {**head, "keys": keys}


def _state(was: bytes | None, is_: bytes | None) -> str:
    if was is None:
        return "added"
    if is_ is None:
        return "removed"
    return "kept" if was == is_ else "changed"


def _print(
    people: People, facts: dict[str, Any], before: State, after: State, revealed: tuple[str, ...]
) -> None:
    people.say(f"secret {facts['name']}: revision {before.number} → {_label(after)}")
    if "type" in facts:
        people.say(f"type {before.type} → {after.type}")
    rows = []
    for key in facts["keys"]:
        if key["state"] != "kept":
            pair = [key.get("old", {}), key.get("new", {})]
            sizes, prints = (_arrow(pair, fact) for fact in ("bytes", "fingerprint"))
            rows.append([key["key"], key["state"], sizes, prints])
    if rows:
        people.table(["KEY", "STATE", "BYTES", "FINGERPRINT"], rows)
    else:
        people.say("all values are the same")
    for name in revealed:
        _reveal(people, name, before.data.get(name), after.data.get(name))


def _label(state: State) -> str:
    return f"{state.number} (current)" if state.current else str(state.number)


def _arrow(pair: list[dict[str, Any]], fact: str) -> str:
    """Both sides of a fact, or the one that there is."""
    return " → ".join(str(side[fact]) for side in pair if side)


def _reveal(people: People, key: str, was: bytes | None, is_: bytes | None) -> None:
    """Print the lines of a key that went and came."""
    people.say("")
    old, new = _lines(key, was), _lines(key, is_)
    for line in difflib.unified_diff(old, new, fromfile=key, tofile=key, lineterm="", n=1):
        people.say(line)
    if old == new:
        people.say(f"{key}, line by line the same in both:")
        for line in old:
            people.say(f" {line}")


def _lines(key: str, value: bytes | None) -> list[str]:
    from strongroom.cli.secret.describe import is_text

    if value is None:
        return []
    if not is_text(value):
        raise Failure(f"{key} is not text; see it in base64: -o json")
    return value.decode().splitlines()
