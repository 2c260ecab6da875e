"""`strongroom secret scrub`: takes values out of the annotations of Secrets, on any cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.output import output_option
from strongroom.cli.people import Found, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.leftovers import Leftover
    from strongroom.client.client import Client


@click.command("scrub")
@people_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@click.option(
    "--deep",
    is_flag=True,
    help="Look for the values in all annotations and labels; reads the Secrets themselves.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be masked, and change nothing.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 3 if there is something.")
@output_option
def command(
    people: People, all_namespaces: bool, deep: bool, dry_run: bool, check: bool, output: str
) -> None:
    """Mask values that `kubectl apply` has left in annotations of Secrets.

    Keys stay, so that later applies delete and change what they should. strongroom's own server
    keeps no value there in the first place; on other clusters, the next client-side apply brings
    them back: use kubectl apply --server-side, or strongroom secret set.

    --deep also finds values that other tools have left elsewhere in the metadata, and tells of
    them. Removing those is for you to decide.

    \b
    Examples:
      strongroom secret scrub --all-namespaces --dry-run
      strongroom secret scrub -n shop
      strongroom secret scrub -A --check --deep
    """
    from strongroom.cli.secret.leftovers import Survey

    namespace = "" if all_namespaces else people.namespace

    async def work(client: Client) -> tuple[int, list[Leftover]]:
        survey = Survey(client)
        found = await survey.find(namespace, deep=deep)
        if not (dry_run or check):
            await survey.mask(found)
        return survey.looked_at, found

    looked_at, found = people.run(work)
    if output == "text":
        _print(people, looked_at, found, changed=not (dry_run or check))
    else:
        people.emit({"secrets": looked_at, "found": [_facts(one) for one in found]}, output)
    if check and found:
        raise Found


def _facts(found: Leftover) -> dict[str, Any]:
    return {
        "namespace": found.namespace,
        "name": found.name,
        "field": found.field,
        "result": found.result,
    }


def _print(people: People, looked_at: int, found: list[Leftover], *, changed: bool) -> None:
    if found:
        rows = [[one.namespace, one.name, one.field, one.result] for one in found]
        people.table(["NAMESPACE", "NAME", "FIELD", "RESULT"], rows)
    masked = _count(one for one in found if one.maskable)
    verb = "masked" if changed else "would be masked"
    people.say(f"{looked_at} Secrets looked at, {masked} {verb}", err=True)
    if others := _count(one for one in found if not one.maskable):
        people.say(
            f"{others} hold values elsewhere; remove those yourself, such as with "
            "kubectl annotate secret NAME KEY-",
            err=True,
        )


def _count(found: Iterable[Leftover]) -> int:
    return len({(one.namespace, one.name) for one in found})
