"""`strongroom doctor rbac`: which bindings give too much, how bad that is, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, Found, People, people_options
from strongroom.cli.whocan import warn_unseen

if TYPE_CHECKING:
    from strongroom.cli.rights.facts import Facts
    from strongroom.cli.rights.findings import Finding
    from strongroom.cli.rights.held import Grant
    from strongroom.client.client import Client

_LEVELS = ("low", "medium", "high", "critical")


def _span(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    from strongroom.resources.secret_expiry import parse_span

    try:
        return None if text is None else parse_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("rbac")
@people_options
@click.option(
    "--severity",
    type=click.Choice(_LEVELS),
    default="medium",
    show_default=True,
    help="The least that is told, and counts for the exit code.",
)
@click.option(
    "--except",
    "known",
    metavar="BINDING",
    multiple=True,
    help="Leave out what this binding (NAME or NS/NAME) gives; may be repeated.",
)
@click.option(
    "--unused-for",
    metavar="SPAN",
    callback=_span,
    help="Dangerous rights too that the audit log shows no use of for so long, such as 30d.",
)
@click.option(
    "--audit-log",
    metavar="PATH",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The audit log to measure against. [default: that of KUBECONFIG's data directory]",
)
@click.option(
    "--suggest",
    "suggested",
    metavar="USER|NS:SERVICEACCOUNT",
    help="Print the least roles that would do for what the audit log shows of somebody.",
)
@output_option
def command(
    people: People,
    severity: str,
    known: tuple[str, ...],
    unused_for: timedelta | None,
    audit_log: Path | None,
    suggested: str | None,
    output: str,
) -> None:
    """Look for bindings that give too much, in the whole cluster, or with -n by the RoleBindings
    of a namespace. What every cluster gives its own parts is not told.

    Numbers are those of the CIS Kubernetes Benchmark (5.1) and of OWASP's Kubernetes Top Ten of
    2022. The exit code is 3 if there are findings.

    With --unused-for or --audit-log (30d) rights are measured against what was done with them;
    where the log does not reach back so far, that is told, at severity low. --suggest prints what
    kubectl apply takes, with -n of that namespace alone; group:NAME asks for a group.

    \b
    Examples:
      strongroom doctor rbac
      strongroom doctor rbac -n shop --severity low
      strongroom doctor rbac --severity high --except ops-cluster-admin -o json
      strongroom doctor rbac --unused-for 30d
      strongroom doctor rbac --suggest shop:api | kubectl apply -f -
    """
    from strongroom.cli.rights.facts import read_facts
    from strongroom.cli.rights.findings import findings

    namespace = people.asked_namespace
    if suggested is not None:
        from strongroom.cli.doctor.suggestion import print_suggestion

        print_suggestion(people, suggested, audit_log, unused_for, output)
        return
    log = _measured(people, unused_for, audit_log)

    async def gather(client: Client) -> Facts:
        return await read_facts(client, namespace, pods=False)

    facts = people.run(gather)
    warn_unseen(people, facts)
    grants = [g for g in facts.grants if not namespace or g.namespace == namespace]
    judged = findings(grants)
    if log is not None:
        judged += _unused(people, grants, unused_for, log)
        judged.sort(key=lambda finding: -_LEVELS.index(finding.severity))
    found = [f for f in judged if _name(f) not in known]
    told = [f for f in found if _LEVELS.index(f.severity) >= _LEVELS.index(severity)]
    if output != "text":
        people.emit({"findings": [f.facts() for f in told], "unseen": facts.unseen}, output)
    else:
        _print(people, told, lesser=len(found) - len(told))
    if told:
        raise Found
    if facts.unseen:
        raise Failure("not everything could be looked at")


def _measured(people: People, span: timedelta | None, log: Path | None) -> Path | None:
    """The audit log to measure against, if that is asked for. Raises Failure."""
    if span is None and log is None:
        return None
    from strongroom.cli.doctor.measuring import log_of

    return log_of(people, log)


def _unused(
    people: People, grants: list[Grant], span: timedelta | None, log: Path
) -> list[Finding]:
    from strongroom.cli.doctor.measuring import USUAL, history_of
    from strongroom.cli.rights.unused import Usage
    from strongroom.cli.rights.used import needs_rights

    span = span or USUAL
    history = history_of(people, log, span, needs_rights, grants)
    return Usage(history, span, datetime.now(UTC)).findings(grants)


def _name(finding: Finding) -> str:
    return finding.grant.through.partition(" ")[2]


def _print(people: People, told: list[Finding], *, lesser: int) -> None:
    for (level, check), lot in groupby(told, lambda f: (f.severity, f.check)):
        people.say(f"{level.upper()}: {check.title} ({check.numbers})")
        people.say(f"  {check.advice}")
        for finding in lot:
            subjects = ", ".join(map(str, finding.subjects))
            use = f": {finding.measured.text}" if finding.measured else ""
            gives = f"{finding.grant.through} gives {finding.grant.role_text} to {subjects}"
            people.say(f"  - {gives}{use}")
        people.say("")
    if not told:
        people.say("Nothing found.")
    if lesser:
        people.say(f"{lesser} more of less severity: --severity low")
