"""`strongroom alerts`: who did with Secrets what a rule watches for, and what was done about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.lazy import LazyGroup
from strongroom.cli.people import Found, People, people_options

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.secretalert import SecretAlert

COMMANDS = {
    "show": ("strongroom.cli.alerts.show", "One alert with its evidence."),
    "acknowledge": ("strongroom.cli.alerts.acknowledge", "Say that somebody has seen to some."),
}

_SEVERITIES = ("low", "medium", "high", "critical")
_HEADERS = ("NAME", "SEVERITY", "STATE", "USER", "SECRET", "COUNT", "LAST", "MESSAGE")
_AGAIN = 60
"""Seconds after which a watch is begun anew."""


@click.group(
    "alerts",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    invoke_without_command=True,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 --check found an open alert.",
)
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Alerts of all namespaces.")
@click.option("--since", metavar="DURATION", default="", help="Of the last 24h, 7d. [default: all]")
@click.option(
    "--severity",
    type=click.Choice(_SEVERITIES),
    default="low",
    help="This bad at least. [default: low]",
)
@click.option("--open", "only_open", is_flag=True, help="Without acknowledged ones.")
@click.option("--check", is_flag=True, help="Exit code 3 if one of them is open.")
@click.option("-w", "--watch", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    help="Form of the output. [default: table]",
)
def command(
    people: People,
    all_namespaces: bool,
    since: str,
    severity: str,
    only_open: bool,
    check: bool,
    watch: bool,
    output: str,
) -> None:
    """Show alerts: who read many Secrets, or one for the first time, was refused, and so on.

    Alerts stand in the namespace of the Secrets that they are about; those about several, in
    kube-system. The rules are the server's (docs/alerts.md).

    \b
    Examples:
      strongroom alerts -A --since 24h
      strongroom alerts -A --severity high --open --check
      strongroom alerts show many-secrets-3f2a9c1b
      strongroom alerts acknowledge many-secrets-3f2a9c1b --note "backup"
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    if watch and output != "table":
        raise click.UsageError("--watch prints lines: it goes with -o table")
    namespace = "" if all_namespaces else people.namespace
    chosen = _Chosen(since, severity, only_open=only_open)

    async def gather(client: Client) -> tuple[list[SecretAlert], str]:
        from strongroom.resources.secretalert import SECRET_ALERTS

        page = await client.list(SECRET_ALERTS, namespace)
        return [alert for alert in page.items if chosen.fits(alert)], page.revision

    found, revision = people.run(gather)
    found.sort(key=lambda alert: alert.spec.lastTime, reverse=True)
    if output != "table":
        from strongroom.cli.alerts.telling import facts

        people.emit({"alerts": [facts(alert) for alert in found]}, output)
    else:
        _print(people, found, namespace)
    if watch:
        _follow(people, namespace, revision, chosen)
    if check and any(alert.status.acknowledgement is None for alert in found):
        raise Found


class _Chosen:
    """Which alerts are shown."""

    def __init__(self, since: str, severity: str, *, only_open: bool) -> None:
        self._begin = _begin(since)
        self._severities = _SEVERITIES[_SEVERITIES.index(severity) :]
        self._only_open = only_open

    def fits(self, alert: SecretAlert) -> bool:
        """Whether an alert is to be shown."""
        if self._only_open and alert.status.acknowledgement is not None:
            return False
        return alert.spec.lastTime >= self._begin and alert.spec.severity in self._severities


def _begin(since: str) -> str:
    """The time of the first that is shown, as text, which sorts as time does. Raises UsageError."""
    if not since:
        return ""
    from strongroom.api.times import format_micro_time
    from strongroom.resources.secret_expiry import parse_span

    try:
        span: timedelta = parse_span(since)
    except ValueError as error:
        raise click.UsageError(f"--since: {error}") from None
    return format_micro_time(datetime.now(UTC) - span)


def _print(people: People, found: list[SecretAlert], namespace: str) -> None:
    from strongroom.cli.alerts.telling import row

    if found:
        now = datetime.now(UTC)
        headers, rows = list(_HEADERS), [row(alert, now) for alert in found]
        if not namespace:
            headers = ["NAMESPACE", *headers]
            rows = [[a.metadata.namespace, *r] for a, r in zip(found, rows, strict=True)]
        people.table(headers, rows)
    else:
        where = f" in namespace {namespace}; -A looks in all" if namespace else ""
        people.say(f"no alerts{where}")


def _follow(people: People, namespace: str, revision: str, chosen: _Chosen) -> None:
    """Print a line for each alert that is raised or grows, until somebody has seen enough."""
    from strongroom.cli.alerts.telling import line

    async def follow(client: Client) -> None:
        from contextlib import aclosing

        from strongroom.resources.secretalert import SECRET_ALERTS

        at = revision
        while True:
            watching: Any = client.watch(
                SECRET_ALERTS, namespace, resource_version=at, timeout_seconds=_AGAIN
            )
            async with aclosing(watching) as events:
                async for event in events:
                    at = event.revision or at
                    if event.type in ("ADDED", "MODIFIED") and chosen.fits(event.obj):
                        people.say(line(event.obj))

    try:
        people.run(follow)
    except KeyboardInterrupt:
        return
