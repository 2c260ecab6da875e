"""`strongroom doctor`: looks for what is wrong, with the exit code 3 if there is something."""

from __future__ import annotations

import click

from strongroom.cli.lazy import LazyGroup

COMMANDS = {
    "rbac": ("strongroom.cli.doctor.rbac", "Roles and bindings that give too much."),
}


@click.group(
    "doctor",
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check found something.",
)
def command() -> None:
    """Look for what is wrong, of any cluster.

    \b
    Examples:
      strongroom doctor rbac
      strongroom doctor rbac --severity high -o json
    """
