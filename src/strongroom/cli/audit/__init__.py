"""`strongroom audit`: who did what, and whether the log that says so is whole."""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "query": ("strongroom.cli.audit.query", "Who read a Secret, and what else was done."),
    "verify": ("strongroom.cli.audit.verify", "Whether anything was changed in the log."),
}


@click.group(
    "audit",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
def command() -> None:
    """Who did what, and whether the log that says so is whole.

    They read the log of a server on this machine, its rotated and compressed files too.

    \b
    Examples:
      strongroom audit query --secret shop/db --since 24h
      strongroom audit query --denied --follow
      strongroom audit verify
    """
