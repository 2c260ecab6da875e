"""`strongroom status`: what runs, where, with what key and store, and how to use it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from strongroom.cli.output import dump, output_option
from strongroom.paths import default_data_dir


@click.command("status")
@click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The data directory of `strongroom up`.",
)
@click.option("--kubeconfig", metavar="FILE", help="Ask this server instead; any cluster will do.")
@click.option("--context", metavar="NAME", default="", help="Context of the kubeconfig.")
@output_option
def command(data_dir: Path | None, kubeconfig: str | None, context: str, output: str) -> None:
    """Say what runs, where, with what key and store, and how to point kubectl at it.

    Exits with 1 when nothing answers.

    \b
    Examples:
      strongroom status
      strongroom status --data-dir ./room -o json
      strongroom status --kubeconfig ~/.kube/config
    """
    from strongroom.cli.inspection import inspect

    directory = None if kubeconfig else (data_dir or default_data_dir()).expanduser().absolute()
    facts = inspect(directory, kubeconfig, context)
    click.echo(dump(facts, output) if output != "text" else render(facts), nl=False)
    sys.exit(0 if facts["server"]["healthy"] else 1)


def render(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    server = facts["server"]
    state = (
        click.style("healthy", fg="green")
        if server["healthy"]
        else (click.style("not answering", fg="red") + f" ({server['problem']})")
    )
    rows = [("server", f"{server['url'] or '-'}  {server['version'] or ''}  {state}")]
    rows += [(p["name"], _part(p)) for p in facts.get("parts", [])]
    rows += [("data", facts["dataDir"])] if facts.get("dataDir") else []
    if facts.get("store"):
        rows.append(("store", facts["store"]))
    if facts.get("encryption"):
        key = facts["encryption"]
        rows.append(("encryption", f"{key['provider']}, key {key['keyID']} in {key['keyFile']}"))
    rows += [("node", f"{n['name']}  {n['state']}") for n in facts.get("nodes", [])]
    if "pods" in facts:
        pods = ", ".join(f"{count} {phase}" for phase, count in facts["pods"].items())
        rows.append(("pods", pods or "none"))
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:{width}}{text}".rstrip() for name, text in rows]
    if server["healthy"]:
        lines += ["", f"Use it:  export KUBECONFIG={facts['kubeconfig']}"]
    else:
        lines += ["", "Start it:  strongroom up" + _where(facts)]
    return "\n".join(lines) + "\n"


def _where(facts: dict[str, Any]) -> str:
    return f" --data-dir {facts['dataDir']}" if facts.get("dataDir") else ""


def _part(part: dict[str, Any]) -> str:
    state = f"pid {part['pid']}" if part["running"] else click.style("not running", fg="red")
    return f"{state}, restarted {part['restarts']} times, log {part['log']}"
