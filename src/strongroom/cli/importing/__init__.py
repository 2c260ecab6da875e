"""`strongroom import`: Secrets, and what goes with them, from another cluster or its store."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from strongroom.cli.foreign import Place, place_options, taken_place
from strongroom.cli.output import output_option
from strongroom.cli.people import Failure, People, cluster_options, telling_failures

if TYPE_CHECKING:
    from strongroom.cli.importing.kinds import Wanted
    from strongroom.cli.importing.origins import Origin
    from strongroom.cli.importing.telling import Tally
    from strongroom.client.client import Client


@click.command("import")
@cluster_options
@click.option("--from-kubeconfig", metavar="FILE", help="Kubeconfig of the cluster to import from.")
@click.option("--from-context", metavar="NAME", default="", help="Context of that cluster.")
@place_options
@click.option(
    "--encryption-provider-config",
    metavar="FILE",
    help="EncryptionConfiguration of the cluster whose store it is.",
)
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    metavar="NS",
    multiple=True,
    help="From this namespace; may be repeated.",
)
@click.option("-A", "--all-namespaces", is_flag=True, help="From all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Label selector.")
@click.option(
    "--resources",
    metavar="NAME,…",
    default="secrets",
    show_default=True,
    help="What to import: secrets, configmaps, serviceaccounts, roles, rolebindings, "
    "clusterroles, clusterrolebindings, limitranges, resourcequotas.",
)
@click.option("--helm-releases", is_flag=True, help="The history of helm's releases too.")
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "skip", "replace"]),
    default="fail",
    show_default=True,
    help="What to do with one that is there and says something else.",
)
@click.option(
    "--dry-run",
    type=click.Choice(["server", "client"]),
    is_flag=False,
    flag_value="server",
    default=None,
    help="Store nothing; client: have the server not even check it.",
)
@output_option
def command(people: People, **options: Any) -> None:
    """Import Secrets from another cluster, or from the store of one that need not run.

    They go into the cluster of --kubeconfig and --context, with their namespaces. From a snapshot
    file or an etcd they are decrypted by that cluster's EncryptionConfiguration, KMS plugins
    included. What is there already and the same is passed over: run it again after an
    interruption. What belongs to the old cluster, such as its tokens, is left out and told.

    \b
    Examples:
      strongroom import --from-kubeconfig old.kubeconfig -A
      strongroom import --from-context old -n shop -n web --resources secrets,configmaps --dry-run
      strongroom import --snapshot snapshot.db --encryption-provider-config enc.yaml -A
    """
    output, dry_run = options.pop("output"), options["dry_run"] or ""
    tally = _run(people, options)
    if output == "text":
        from strongroom.cli.importing.telling import tell_end

        tell_end(people, tally, dry_run)
    else:
        people.emit({**tally.facts(), "dryRun": dry_run}, output)
    if tally.failures:
        raise Failure(f"{len(tally.failures)} not imported")


def _run(people: People, options: dict[str, Any]) -> Tally:
    """Do it. Raises Failure, click.UsageError."""
    place = taken_place(options)
    source = _source(people, place, options)
    wanted = _wanted(options)

    async def work(target: Client) -> Tally:
        from strongroom.cli.importing.origins import ClusterOrigin, StoreOrigin
        from strongroom.client.client import Client

        if source is None:
            origin = StoreOrigin(place, options["encryption_provider_config"])
            return await _import(target, origin, wanted, options)
        async with Client(source.config, heard=people.warn) as client:
            return await _import(target, ClusterOrigin(client), wanted, options)

    return people.run(work)


async def _import(target: Client, origin: Origin, wanted: Wanted, options: dict[str, Any]) -> Tally:
    from strongroom.cli.importing.telling import tell_progress
    from strongroom.cli.importing.writing import Conflict, DryRun, Writer

    dry_run = DryRun(options["dry_run"] or "none")
    writer = Writer(target, origin, dry_run, Conflict(options["on_conflict"]))
    async with aclosing(origin.batches(wanted)) as batches:
        async for batch in batches:
            await writer.write(batch, wanted)
            tell_progress(writer.tally)
    return writer.tally


def _source(people: People, place: Place, options: dict[str, Any]) -> People | None:
    """The cluster to import from; None for a store. Raises click.UsageError, Failure."""
    kubeconfig, context = options["from_kubeconfig"], options["from_context"]
    if bool(place) == bool(kubeconfig or context):
        raise click.UsageError(
            "name one to import from: --from-kubeconfig, --from-context, --snapshot or "
            "--etcd-servers"
        )
    if place:
        return None
    if options["encryption_provider_config"]:
        raise click.UsageError("--encryption-provider-config is for --snapshot and --etcd-servers")
    source = People(kubeconfig or people.kubeconfig, context)
    if telling_failures(lambda: source.server) == people.server:
        raise click.UsageError(
            "that is the cluster itself; --kubeconfig or --context names another"
        )
    return source


def _wanted(options: dict[str, Any]) -> Wanted:
    """Raises click.UsageError."""
    from strongroom.api.errors import StatusError
    from strongroom.api.label_selectors import LabelSelector
    from strongroom.cli.importing.kinds import Wanted, wanted_resources

    namespaces = options["namespaces"]
    if bool(namespaces) == options["all_namespaces"]:
        raise click.UsageError("say -n NAMESPACE, as often as need be, or -A for all")
    resources = wanted_resources(options["resources"])
    for resource in resources:
        if namespaces and not resource.namespaced:
            raise click.UsageError(f"{resource.plural} are in no namespace: say -A")
    try:
        LabelSelector.parse(options["selector"])
    except (StatusError, ValueError) as error:
        raise click.UsageError(f"-l: {error}") from error
    return Wanted(resources, namespaces, options["selector"], options["helm_releases"])
