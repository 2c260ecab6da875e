"""`strongroom token`: bootstrap tokens, by which machines join a cluster as its nodes."""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "create": ("strongroom.cli.token.create", "Make one, and print it once."),
    "list": ("strongroom.cli.token.list", "What there is, without the secret parts."),
    "delete": ("strongroom.cli.token.delete", "Make some useless at once."),
}


@click.group(
    "token",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
def command() -> None:
    """Bootstrap tokens, by which machines join a cluster as its nodes.

    They are Secrets of kube-system, of any cluster; `kubeadm token` knows the same ones.

    \b
    Examples:
      strongroom token create --ttl 2h --print-join-command
      strongroom token list
      strongroom token delete abcdef
    """
