"""`strongroom secret show`: what a Secret is, and a value only to who asks for that key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.resources.secret import Secret


@click.command("show")
@click.argument("name")
@people_options
@click.option(
    "--reveal", "asked", multiple=True, metavar="KEY", help="Print this value, and nothing else."
)
@output_option
def command(people: People, name: str, asked: tuple[str, ...], output: str) -> None:
    """Show Secret NAME: its keys with sizes, fingerprints and what the values are.

    Equal fingerprints are equal values, within one output: the next one has others.

    \b
    Examples:
      strongroom secret show db
      strongroom secret show db --reveal password > file
      strongroom secret show web -o yaml
    """
    from strongroom.resources.secret import SECRETS

    if len(asked) > 1 or (asked and output != "text"):
        raise click.UsageError("--reveal prints one value as it is: one KEY, and no -o")
    namespace = people.namespace
    secret = people.run(lambda client: client.get(SECRETS, name, namespace))
    if asked:
        _reveal(people, secret, asked[0])
    elif output != "text":
        people.emit(_facts(secret), output)
    else:
        _print(people, _facts(secret))


def _reveal(people: People, secret: Secret, key: str) -> None:
    """Print one value, as it is. To a terminal with a warning, and only what it shows unharmed."""
    from strongroom.cli.secret.describe import is_text

    value = secret.data.get(key)
    if value is None:
        _tell_reference(secret)
        known = ", ".join(sorted(secret.data)) or "none"
        raise Failure(f"secret {secret.metadata.name} has no key {key}; there are: {known}")
    terminal = sys.stdout.isatty()
    if terminal and not is_text(value):
        raise Failure(f"{key} is not text for a terminal; send it to a file: --reveal {key} > FILE")
    if terminal:
        people.warn(f"{key} is shown on a terminal, which may remember it")
    click.echo(value, nl=terminal)


def _tell_reference(secret: Secret) -> None:
    """Raise Failure for a reference, which has no keys for anybody but nodes."""
    from strongroom.resources.secret_reference import REFERENCE, target_of

    target = target_of(secret.metadata.annotations) if secret.type == REFERENCE else None
    if target is not None:
        raise Failure(
            f"secret {secret.metadata.name} is a reference: its values are given to pods only\n"
            f"Their owner sees them: strongroom secret show {target[1]} -n {target[0]}"
        )


def _facts(secret: Secret) -> dict[str, Any]:
    from strongroom.api.apply.last_applied import ANNOTATION
    from strongroom.api.clock import SystemClock
    from strongroom.cli.secret.describe import described
    from strongroom.cli.secret.fingerprint import Fingerprints

    prints, now, meta = Fingerprints(), SystemClock().now(), secret.metadata
    # The annotation of `kubectl apply` may hold the values, and is no fact about the Secret.
    annotations = {key: text for key, text in meta.annotations.items() if key != ANNOTATION}
    return {
        "namespace": meta.namespace,
        "name": meta.name,
        "type": secret.type,
        "created": meta.creationTimestamp,
        "immutable": bool(secret.immutable),
        "labels": dict(sorted(meta.labels.items())),
        "annotations": dict(sorted(annotations.items())),
        "keys": [
            {
                "key": key,
                "bytes": len(value),
                "fingerprint": prints.of(value),
                "is": described(key, value, now),
            }
            for key, value in sorted(secret.data.items())
        ],
    }


def _print(people: People, facts: dict[str, Any]) -> None:
    from strongroom.api.clock import SystemClock
    from strongroom.api.table import human_age

    age = human_age(facts["created"], SystemClock().now())
    head = [
        ("name", f"{facts['name']} in namespace {facts['namespace']}"),
        ("type", facts["type"] + (", immutable" if facts["immutable"] else "")),
        ("age", age),
    ]
    head += [("label", f"{key}={text}") for key, text in facts["labels"].items()]
    head += [("annotation", f"{key}={text}") for key, text in facts["annotations"].items()]
    width = max(len(name) for name, _ in head) + 2
    for name, text in head:
        people.say(f"{name:{width}}{text}".replace("\n", " "))
    if not facts["keys"]:
        return
    people.say("")
    rows = [[k["key"], k["bytes"], k["fingerprint"], k["is"]] for k in facts["keys"]]
    people.table(["KEY", "BYTES", "FINGERPRINT", "IS"], rows)
