"""The `strongroom` command: a group whose commands are loaded when they are called."""

from __future__ import annotations

import click

from strongroom import __version__
from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "up": ("strongroom.cli.up", "Start everything here: API server, controllers and node agent."),
    "status": ("strongroom.cli.status", "Say what runs, where, with what key and store."),
    "secret": ("strongroom.cli.secret", "Work with Secrets, of any cluster, without showing them."),
    "who-can": ("strongroom.cli.whocan", "Who may read a Secret, through what, by which detours."),
    "alerts": ("strongroom.cli.alerts", "Who did with Secrets what a rule watches for."),
    "doctor": ("strongroom.cli.doctor", "Look for what is wrong, of any cluster."),
    "audit": ("strongroom.cli.audit", "Who did what, and whether the log of it is whole."),
    "keys": ("strongroom.cli.keys", "The keys that encrypt what is stored: rotate, rewrap, prune."),
    "backup": ("strongroom.cli.backup", "The whole store in one encrypted file, while serving."),
    "restore": ("strongroom.cli.restore", "A new store from such a file, under another key."),
    "import": (
        "strongroom.cli.importing",
        "Secrets from another cluster, or from its etcd snapshot.",
    ),
    "export": ("strongroom.cli.export", "Secrets as manifests for SOPS, or as SealedSecrets."),
    "compact": ("strongroom.cli.compact", "Take what was deleted out of the store's files."),
    "kms": ("strongroom.cli.kms", "Our keys for API servers of others, as a KMS plugin."),
    "token": ("strongroom.cli.token", "Bootstrap tokens, by which machines join as nodes."),
    "apiserver": ("strongroom.cli.apiserver", "Run the API server alone."),
    "controllers": ("strongroom.cli.controllers", "Run the controllers alone."),
    "node": ("strongroom.cli.node", "Run the node agent alone."),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
@click.version_option(__version__, prog_name="strongroom")
def main() -> None:
    """The Kubernetes Secrets system, complete, with or without a cluster.

    \b
    Examples:
      strongroom up                        start everything, print where it serves
      strongroom up --port 0 --no-node     an API server and controllers on any free port
      strongroom status                    what runs here, and how to point kubectl at it
      strongroom secret set db password=-  make or change a Secret, its value from standard input
    """
