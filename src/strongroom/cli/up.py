"""`strongroom up`: API server, controllers and node agent, started and supervised together."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from strongroom.cli.settings import load_settings
from strongroom.paths import default_data_dir


@click.command(
    "up",
    context_settings={"ignore_unknown_options": True},
    options_metavar="[OPTIONS] [OPTIONS OF APISERVER]",
    epilog="Options of `strongroom apiserver` are taken too and handed to it.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    help=f"Where everything is kept.  [default: {default_data_dir()}]",
)
@click.option(
    "--bind", metavar="ADDR", default="127.0.0.1", show_default=True, help="Address to serve on."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=6443,
    show_default=True,
    help="Port to serve on; 0 picks a free one.",
)
@click.option(
    "--kubeconfig",
    metavar="FILE",
    help="Where the admin's kubeconfig goes.  [default: DIR/admin.kubeconfig]",
)
@click.option(
    "--no-node", "with_node", flag_value=False, default=True, type=bool, help="Start no node agent."
)
@click.option(
    "--no-controllers",
    "with_controllers",
    flag_value=False,
    default=True,
    type=bool,
    help="Start no controllers.",
)
@click.option("--store", metavar="URL", help="The store.  [default: sqlite:DIR/store/…]")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Form of all logs.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="What all parts log.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Settings from a file; the command line wins.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.pass_context
def command(ctx: click.Context, /, config: Path | None, **options: Any) -> None:
    """Start everything here and keep it running.

    Prints one line `ready https://HOST:PORT kubeconfig=PATH` when all parts serve. A second start
    with the same --data-dir continues where the first ended. SIGTERM or Ctrl-C stops all cleanly.

    \b
    Examples:
      strongroom up
      strongroom up --data-dir ./room --port 0
      KUBECONFIG=./room/admin.kubeconfig kubectl get secrets -A
    """
    from strongroom.cli.runner import UpOptions, run

    if config is not None:
        settings = load_settings(config)
        # Arguments for the server add up: its parser lets the last, the command line's, win.
        options["arguments"] = (*settings.pop("arguments", ()), *options["arguments"])
        options |= {name: settings[name] for name in settings if not _given(ctx, name)}
    if _last(options["arguments"], "--audit-log-path") == "-":
        raise click.UsageError(
            "--audit-log-path -: standard output has the ready line and nothing else; "
            "name a file, or run `strongroom apiserver` alone"
        )
    if options["data_dir"] == "":
        # An unset variable of a script must not mean the machine's own data directory.
        raise click.UsageError("--data-dir: expected a directory, got an empty name")
    data_dir = Path(options.pop("data_dir") or default_data_dir()).expanduser().absolute()
    kubeconfig = Path(options["kubeconfig"] or data_dir / "admin.kubeconfig")
    options["kubeconfig"] = kubeconfig.expanduser().absolute()
    sys.exit(run(UpOptions(data_dir=data_dir, **options)))


def _last(arguments: Sequence[str], name: str) -> str:
    """What arguments for the server say of an option in the end; empty for nothing."""
    said = ""
    for argument, following in itertools.pairwise([*arguments, ""]):
        option, equals, value = argument.partition("=")
        if option == name:
            said = value if equals else following
    return said


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
