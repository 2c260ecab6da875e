"""`strongroom status`: what runs, where, with what key and store, and how to use it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from strongroom.cli.output import dump, output_option
from strongroom.paths import default_data_dir, is_data_dir


@click.command("status")
@click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=f"The data directory of `strongroom up`.  [default: {default_data_dir()}]",
)
@click.option("--kubeconfig", metavar="FILE", help="Ask this server instead; any cluster will do.")
@click.option("--context", metavar="NAME", default="", help="Context of the kubeconfig.")
@output_option
def command(data_dir: Path | None, kubeconfig: str | None, context: str, output: str) -> None:
    """Say what runs, where, with what key and store, and how to point kubectl at it.

    Without options: the server of KUBECONFIG, if that is set, else the default data directory.
    Exits with 1 when nothing answers.

    \b
    Examples:
      strongroom status
      strongroom status --data-dir ./room -o json
      strongroom status --kubeconfig ~/.kube/config
    """
    from strongroom.cli.inspection import inspect

    directory, asked = subject(data_dir, kubeconfig, os.environ.get("KUBECONFIG", ""))
    facts = inspect(directory, asked, context)
    text = dump(facts, output) if output != "text" else render(facts)
    click.echo(text, nl=False, color=False if os.environ.get("NO_COLOR") else None)
    sys.exit(0 if facts["server"]["healthy"] else 1)


def subject(
    data_dir: Path | None, kubeconfig: str | None, environment: str
) -> tuple[Path | None, str | None]:
    """The data directory and the kubeconfig that are asked about, as options or KUBECONFIG say.

    A kubeconfig that lies in a data directory of strongroom's stands for that directory.
    """
    if data_dir is not None:
        return data_dir.expanduser().absolute(), kubeconfig
    named = kubeconfig or environment.partition(os.pathsep)[0]
    if not named:
        return default_data_dir().absolute(), None
    beside = Path(named).expanduser().absolute().parent
    return (beside if is_data_dir(beside) else None), kubeconfig


def render(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    server = facts["server"]
    rows = [("server", f"{server['url'] or '-'}  {server['version'] or ''}  {_health(server)}")]
    rows += [(p["name"], _part(p)) for p in facts.get("parts", [])]
    rows += [("workers", _workers(facts))] if facts.get("workers") else []
    rows += [("data", facts["dataDir"])] if facts.get("dataDir") else []
    if facts.get("store"):
        rows.append(("store", facts["store"]))
    if facts.get("encryption"):
        rows.append(("encryption", _encryption(facts["encryption"])))
    rows += [("node", f"{n['name']}  {n['state']}") for n in facts.get("nodes", [])]
    if "pods" in facts:
        pods = ", ".join(f"{count} {phase}" for phase, count in facts["pods"].items())
        rows.append(("pods", pods or "none"))
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{name:{width}}{text}".rstrip() for name, text in rows]
    return "\n".join([*lines, *_next(facts)]) + "\n"


def _encryption(key: dict[str, Any]) -> str:
    if "source" not in key:
        # A server of another version may say less.
        return f"{key['provider']} {key.get('file', '')}"
    return f"{key['provider']}, key {key['keyID']} in {key['source']}"


def _health(server: dict[str, Any]) -> str:
    if server["healthy"]:
        return click.style("healthy", fg="green")
    if server["problem"] == "stopped":
        return click.style("stopped", fg="red")
    return click.style("not answering", fg="red") + f" ({server['problem']})"


def _next(facts: dict[str, Any]) -> list[str]:
    """What to do with what one has just read."""
    if facts["server"]["healthy"]:
        known = facts.get("kubeconfig")
        return ["", f"Use it:  export KUBECONFIG={shlex.quote(known)}"] if known else []
    if "dataDir" not in facts:
        return []
    if "up" in facts:
        logs = shlex.quote(f"{facts['dataDir']}/logs/apiserver.log")
        pid = facts["up"]["pid"]
        return ["", f"strongroom up (pid {pid}) starts again what ends; look why:  tail {logs}"]
    directory = facts["dataDir"]
    option = (
        "" if Path(directory) == default_data_dir() else f" --data-dir {shlex.quote(directory)}"
    )
    if str(facts.get("store", "")).startswith("etcd:"):
        # Without it another server would begin, with an empty store of its own.
        option += f" --store {shlex.quote(facts['store'])}, and its other options as before"
    return ["", f"Start it:  strongroom up{option}"]


def _part(part: dict[str, Any]) -> str:
    state = f"pid {part['pid']}" if part["running"] else click.style("not running", fg="red")
    return f"{state}, restarted {_times(part['restarts'])}, log {part['log']}"


def _workers(facts: dict[str, Any]) -> str:
    """The processes of the API server that serve, if it has several."""
    serving = [one for one in facts["workers"] if one["ready"] and one["running"]]
    pids = ", ".join(str(one["pid"]) for one in serving)
    told = f"{len(serving)} serving (pid {pids})" if serving else "none serving"
    return f"{told}, restarted {_times(facts['workerRestarts'])}"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
