"""`strongroom doctor rbac`: which bindings give too much, how bad that is, and what to do."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, Found, People, people_options
from strongroom.cli.whocan import warn_unseen

if TYPE_CHECKING:
    from strongroom.cli.rights.facts import Facts
    from strongroom.cli.rights.findings import Finding
    from strongroom.client.client import Client

_LEVELS = ("low", "medium", "high", "critical")


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
@output_option
def command(people: People, severity: str, known: tuple[str, ...], output: str) -> None:
    """Look for bindings that give too much, in the whole cluster, or with -n by the RoleBindings
    of a namespace. What every cluster gives its own parts is not told.

    Numbers are those of the CIS Kubernetes Benchmark (5.1) and of OWASP's Kubernetes Top Ten of
    2022. The exit code is 3 if there are findings.

    \b
    Examples:
      strongroom doctor rbac
      strongroom doctor rbac -n shop --severity low
      strongroom doctor rbac --severity high --except ops-cluster-admin -o json
    """
    from strongroom.cli.rights.facts import read_facts
    from strongroom.cli.rights.findings import findings

    namespace = people.asked_namespace

    async def gather(client: Client) -> Facts:
        return await read_facts(client, namespace, pods=False)

    facts = people.run(gather)
    warn_unseen(people, facts)
    grants = [g for g in facts.grants if not namespace or g.namespace == namespace]
    found = [f for f in findings(grants) if _name(f) not in known]
    told = [f for f in found if _LEVELS.index(f.severity) >= _LEVELS.index(severity)]
    if output != "text":
        people.emit({"findings": [f.facts() for f in told], "unseen": facts.unseen}, output)
    else:
        _print(people, told, lesser=len(found) - len(told))
    if told:
        raise Found
    if facts.unseen:
        raise Failure("not everything could be looked at")


def _name(finding: Finding) -> str:
    return finding.grant.through.partition(" ")[2]


def _print(people: People, told: list[Finding], *, lesser: int) -> None:
    for (level, check), lot in groupby(told, lambda f: (f.severity, f.check)):
        people.say(f"{level.upper()}: {check.title} ({check.numbers})")
        people.say(f"  {check.advice}")
        for finding in lot:
            subjects = ", ".join(map(str, finding.subjects))
            people.say(f"  - {finding.grant.through} gives {finding.grant.role_text} to {subjects}")
        people.say("")
    if not told:
        people.say("Nothing found.")
    if lesser:
        people.say(f"{lesser} more of less severity: --severity low")
