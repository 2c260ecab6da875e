"""`strongroom alerts show`: one alert with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secretalert import AlertedSecret, SecretAlert


@click.command("show")
@people_options
@click.argument("name")
@output_option
def command(people: People, name: str, output: str) -> None:
    """Show an alert: who, what, when, how often, from where, and by what it was allowed.

    The audit log has every request: `strongroom audit query --id ID` shows it.

    \b
    Examples:
      strongroom alerts show many-secrets-3f2a9c1b
      strongroom alerts show many-secrets-3f2a9c1b -o json
    """
    namespace = people.namespace

    async def gather(client: Client) -> SecretAlert:
        from strongroom.cli.alerts.finding import find_alert

        return await find_alert(client, name, namespace, only_there=bool(people.asked_namespace))

    alert = people.run(gather)
    if output == "text":
        for label, text in _facts(alert):
            if text:
                people.say(f"{label + ':':<15}{text}")
    else:
        from strongroom.cli.alerts.telling import facts

        people.emit(facts(alert), output)


def _facts(alert: SecretAlert) -> list[tuple[str, str]]:
    from strongroom.resources.secretalert import state

    spec, given = alert.spec, alert.status.acknowledgement
    user, seen = spec.user, state(alert)
    if given is not None:
        seen += f" by {given.by} at {given.time}" + (f": {given.note}" if given.note else "")
    return [
        ("Alert", f"{alert.metadata.namespace}/{alert.metadata.name}"),
        ("What", spec.message),
        ("Severity", spec.severity),
        ("State", seen),
        ("Rule", f"{spec.rule} ({spec.type})"),
        ("User", user.name or "unknown"),
        ("Groups", ", ".join(user.groups)),
        ("Acting as", ", ".join(user.actingAs)),
        ("From", ", ".join(user.addresses)),
        ("By", ", ".join(user.userAgents)),
        ("Requests", f"{spec.count}: {', '.join(spec.verbs)}"),
        ("Answers", ", ".join(map(str, spec.codes))),
        ("First", spec.firstTime),
        ("Last", spec.lastTime),
        ("Secrets", _secrets(spec.secrets, spec.secretCount)),
        ("Decided by", "; ".join(spec.reasons)),
        ("Audit IDs", ", ".join(spec.auditIDs)),
    ]


def _secrets(secrets: list[AlertedSecret], count: int) -> str:
    names = [f"{secret.namespace or '*'}/{secret.name or '*'}" for secret in secrets]
    told = ", ".join(names)
    return f"{told} ({count} in all)" if count > len(names) else told
