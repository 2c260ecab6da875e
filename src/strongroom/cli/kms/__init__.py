"""`strongroom kms`: our keys for API servers of others."""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "serve": ("strongroom.cli.kms.serve", "A KMS v2 plugin for any kube-apiserver."),
}


@click.group("kms", cls=LazyGroup, commands_by_name=COMMANDS)
def command() -> None:
    """Our keys for API servers of others.

    \b
    Examples:
      strongroom kms serve --socket /run/kms.sock --key-file kms.key --create
    """
