"""Commands that hand over to a part's own process entry, options and all."""

from __future__ import annotations

import os
import sys

import click


def part_command(name: str, module: str, summary: str) -> click.Command:
    """A command that becomes ``python -m MODULE`` with the arguments it was given.

    The command line may not import the parts (they are servers, this is a client), so the process
    is replaced; ``--help`` is the part's own.
    """

    @click.command(
        name,
        help=summary,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        argv = [sys.executable, "-m", module, *arguments]
        sys.stdout.flush()
        os.execv(sys.executable, argv)  # noqa: S606 - our own interpreter and module, no shell

    return command
